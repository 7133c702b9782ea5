/**
 * JSON text that is serialised already. Where it stands for params or a result, its text goes into the frame as it is:
 * nothing parses it or serialises it again, and nothing checks it, so it must be one valid JSON value.
 */
export class RawJson {
  constructor(readonly text: string) {}

  /** `[item, item, …]` */
  static array(items: readonly RawJson[]): RawJson {
    return new RawJson(`[${items.map((item) => item.text).join(',')}]`);
  }

  /** An object whose values are plain values or RawJson, one level deep; undefined values are left out. */
  static object(fields: Readonly<Record<string, unknown>>): RawJson {
    const members: string[] = [];
    for (const [key, value] of Object.entries(fields)) {
      if (value === undefined) continue;
      members.push(`${JSON.stringify(key)}:${value instanceof RawJson ? value.text : JSON.stringify(value)}`);
    }
    return new RawJson(`{${members.join(',')}}`);
  }

  /** Makes `JSON.stringify` around a RawJson correct, if slower than splicing. */
  toJSON(): unknown {
    return JSON.parse(this.text) as unknown;
  }
}
