const runtimeTemplate = /\{\{\{[^{}]*\}\}\}|\{\{[^{}]*\}\}/g;

/**
 * Writes a text so that a configuration means exactly this text: `${env.X}` and `{{runtime.port.x}}` in it stay what they
 * are and are not filled in. For texts that come from somebody who is not to reach into the daemon's environment.
 */
export function literalText(text: string): string {
  return text.replace(runtimeTemplate, (braces) => `{${braces}}`).replaceAll('${', () => '$${');
}
