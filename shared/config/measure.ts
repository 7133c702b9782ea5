/** The outcome of reading a measure such as `30s`: its value, or the sentence that says what is wrong with it. */
export type Measure = { readonly ok: true; readonly value: number } | { readonly ok: false; readonly message: string };

/** Reads `<number><unit>` with one of the units given (unit → factor). `what` words the refusal; a bare number is refused, 0 too. */
export function parseMeasure(text: string, units: Readonly<Record<string, number>>, what: { kind: string; example: string }): Measure {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z%]*)\s*$/.exec(text);
  const names = Object.keys(units).join(', ');
  if (match === null) return { ok: false, message: `is not a ${what.kind}: write a number and a unit (${names}), such as ${what.example}` };
  const [, digits = '', unit = ''] = match;
  if (unit === '') {
    const withUnit = what.example.replace(/^[\d.]+/, digits);
    return { ok: false, message: `has no unit: write ${withUnit} (units: ${names})` };
  }
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  if (factor === undefined) return { ok: false, message: `has the unknown unit "${unit}": units are ${names}` };
  const value = Number(digits) * factor;
  if (!Number.isSafeInteger(Math.round(value))) return { ok: false, message: 'is too large' };
  return { ok: true, value };
}
