/** A page is prose with generated parts between `<!-- generated: name -->` and `<!-- end of name -->`. */
const begin = (part: string): string => `<!-- generated: ${part} -->`;
const end = (part: string): string => `<!-- end of ${part} -->`;

/** The parts of a page by name, as they are written there. */
export function partsOf(page: string): Map<string, string> {
  const parts = [...page.matchAll(/<!-- generated: (\w+) -->\n([^]*?)\n<!-- end of \1 -->/g)];
  return new Map(parts.map(([, name = '', text = '']) => [name, text]));
}

/** The page with its parts replaced. */
export function withParts(page: string, parts: Readonly<Record<string, string>>): string {
  return Object.entries(parts).reduce((text, [name, content]) => {
    const from = text.indexOf(begin(name));
    const to = text.indexOf(end(name));
    if (from === -1 || to === -1) throw new Error(`The page has no place for ${name}: ${begin(name)} … ${end(name)}`);
    return `${text.slice(0, from)}${begin(name)}\n${content}\n${text.slice(to)}`;
  }, page);
}
