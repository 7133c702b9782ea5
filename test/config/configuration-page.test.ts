import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { configJsonSchema } from '../../shared/config/json-schema.js';
import { packageRoot } from '../../shared/package-root.js';
import { load, runs } from './load.js';

const page = readFileSync(path.join(packageRoot(), 'docs', 'configuration.md'), 'utf8');
const blocks = [...page.matchAll(/```yaml\n([^]*?)```/g)].map((match) => match[1] ?? '');

/** A block that is no whole file is a part of a service. */
function asFile(block: string): string {
  if (block.startsWith('version:')) return block;
  const fields = block.startsWith('runner:') ? block : `${runs}\n${block}`;
  return `version: "1"\nservices:\n  web:\n${fields.replace(/^(?=.)/gm, '    ')}`;
}

/** Every key of the format: all property names of the schema, on every level. */
function schemaKeys(schema: unknown, found = new Set<string>()): Set<string> {
  if (Array.isArray(schema)) for (const item of schema) schemaKeys(item, found);
  else if (typeof schema === 'object' && schema !== null) {
    for (const [key, value] of Object.entries(schema)) {
      if (key === 'properties') for (const name of Object.keys(value as object)) found.add(name);
      schemaKeys(value, found);
    }
  }
  return found;
}

describe('docs/configuration.md', () => {
  it('has examples', () => {
    expect(blocks.length).toBeGreaterThan(15);
  });

  it.each(blocks.map((block) => [block.slice(0, 60).replaceAll('\n', ' '), block]))('shows an example that loads: %s', (_, block) => {
    const result = load(asFile(block));
    expect(result.ok ? [] : result.problems).toEqual([]);
  });

  it('names every key of the schema', () => {
    const missing = [...schemaKeys(configJsonSchema())].filter((key) => !page.includes(`\`${key}\``));
    expect(missing).toEqual([]);
  });

  it('names no key that the schema does not know', () => {
    const rows = [...page.matchAll(/^\| `([^`|]+)` \|/gm)].map((match) => match[1] ?? '');
    const known = schemaKeys(configJsonSchema());
    expect(rows.length).toBeGreaterThan(60);
    expect(rows.filter((key) => !known.has(key))).toEqual([]);
  });

  it('gives the defaults that the schema gives', () => {
    const schema = JSON.stringify(configJsonSchema());
    const rows = [...page.matchAll(/^\| `([^`|]+)` \| `([^`|]+)` \|/gm)].map((match) => [match[1] ?? '', match[2] ?? ''] as const);
    const given = rows.filter(([key]) => !['restart', 'instances', 'files', 'bind'].includes(key));
    expect(given.length).toBeGreaterThan(30);
    for (const [key, value] of given) {
      const defaults = [...schema.matchAll(new RegExp(`"${key}":\\{[^{}]*?"default":("[^"]*"|[\\d.]+|true|false)`, 'g'))].map((match) => String(JSON.parse(match[1] ?? '""')));
      expect([key, defaults]).toEqual([key, expect.arrayContaining([value])]);
    }
  });
});
