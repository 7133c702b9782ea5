/** A line that goes into events is no longer than this, in characters. */
const longestLine = 300;
const shortestSecret = 6;

/**
 * A line of output, fit to be kept and shown: cut, without control characters, and with `***` for every value of a variable
 * that was given to the command and is not part of the daemon's own environment. Which of them is a secret nobody knows.
 */
export function withoutSecrets(line: string, environment: Readonly<Record<string, string>>, daemonEnvironment: Readonly<Record<string, string>>): string {
  const values = Object.entries(environment)
    .filter(([name, value]) => value.length >= shortestSecret && daemonEnvironment[name] !== value && !name.startsWith('HIVE_') && !/^\d+$/.test(value))
    .map(([, value]) => value)
    .sort((one, other) => other.length - one.length);
  let text = line;
  for (const value of values) {
    text = text.replaceAll(value, '***');
    // A value of several lines is written line by line.
    if (value.includes('\n')) for (const part of value.split('\n')) if (part.trim().length >= shortestSecret) text = text.replaceAll(part.trim(), '***');
  }
  // eslint-disable-next-line no-control-regex
  const plain = text.replace(/\u001b\[[0-9;]*[A-Za-z]/g, '').replace(/[\u0000-\u001f\u007f]+/g, ' ').trim();
  return plain.length <= longestLine ? plain : `${plain.slice(0, longestLine - 1)}…`;
}
