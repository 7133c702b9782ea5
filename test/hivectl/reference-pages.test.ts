import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCatalogue } from '../../shared/errors/catalogue.js';
import { eventTypes } from '../../shared/protocol/events.js';
import { methods } from '../../shared/protocol/methods.js';
import { packageRoot } from '../../shared/package-root.js';
import { eventFieldsInSource } from './reference/event-fields.js';
import { partsOf } from './reference/pages.js';
import { referenceTables } from './reference/tables.js';

const pageOf = (name: string): string => readFileSync(join(packageRoot(), 'docs', name), 'utf8');

describe('the reference pages', () => {
  for (const [page, tables] of Object.entries(referenceTables())) {
    it(`docs/${page} says what the code says; else run: node dist/test/hivectl/reference/write-pages.js`, () => {
      const written = partsOf(pageOf(page));
      expect([...written.keys()].sort()).toEqual(Object.keys(tables).sort());
      for (const [name, text] of Object.entries(tables)) expect(written.get(name)).toBe(text);
    });
  }

  it('know the fields of every event', () => {
    expect([...eventFieldsInSource().keys()].sort()).toEqual(Object.keys(eventTypes).sort());
  });

  it('name no error and no event that the code does not know', () => {
    const prose = ['protocol.md', 'events.md', 'errors.md', 'hivectl.md'].map(pageOf).join('\n');
    const codes = [...prose.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, code = '']) => code).filter((code) => !code.startsWith('HIVE_') && code !== 'NO_COLOR');
    expect(codes.filter((code) => !Object.hasOwn(errorCatalogue, code))).toEqual([]);
    const types = [...prose.matchAll(/`((?:daemon|source|service|rollout|routes|plugin)\.[a-z][A-Za-z]+)`/g)].map(([, type = '']) => type);
    expect(types.filter((type) => !Object.hasOwn(eventTypes, type) && !Object.hasOwn(methods, type))).toEqual([]);
  });
});

/** Codes that stand ready for engines and deploys; whoever throws one may take it off. */
const notThrownYet = ['ENGINE_UNAVAILABLE', 'IMAGE_NOT_FOUND', 'NOT_SUPPORTED', 'BUILD_FAILED', 'PLUGIN_NOT_READY', 'ALREADY_EXISTS', 'SHUTTING_DOWN', 'READ_ONLY_SOURCE', 'DEPENDENCY_CYCLE'];

describe('the error catalogue', () => {
  it('holds no code that nobody uses', () => {
    const rooms = ['shared', 'daemon', 'plugin-host', 'plugins', 'hivectl'].filter((room) => existsSync(join(packageRoot(), room)));
    const found = execFileSync('grep', ['-rhoE', '--include=*.ts', '--exclude=catalogue.ts', '--exclude=exit-codes.ts', "'[A-Z]+(_[A-Z]+)*'", ...rooms], { cwd: packageRoot(), encoding: 'utf8', maxBuffer: 64 * 2 ** 20 });
    const used = new Set(found.split('\n').map((quoted) => quoted.slice(1, -1)));
    expect(Object.keys(errorCatalogue).filter((code) => !used.has(code) && !notThrownYet.includes(code))).toEqual([]);
  });
});
