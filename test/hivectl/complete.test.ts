import { describe, expect, it } from '@jest/globals';
import { complete } from '../../hivectl/command-line/complete.js';
import { commands } from '../../hivectl/command-line/table.js';

const names = {
  services: async () => ['shop:web', 'shop:db', 'web', 'db'],
  sources: async () => ['shop', 'blog'],
  plugins: async () => ['proxy'],
};
const completed = (line: string) => complete(line.split(' '), commands, names);

describe('completion', () => {
  it.each([
    ['st', ['start', 'stats', 'status', 'stop']],
    ['source re', ['reload', 'remove']],
    ['stop shop:', ['shop:db', 'shop:web']],
    ['stop web d', ['db']],
    ['why ', ['db', 'shop:db', 'shop:web', 'web']],
    ['source reload ', ['blog', 'shop']],
    ['plugin info p', ['proxy']],
    ['wait web --for h', ['healthy']],
    ['wait --for healthy w', ['web']],
    ['--home /x why w', ['web']],
    ['logs --fo', ['--follow']],
    ['completion ', ['bash', 'fish', 'zsh']],
    ['ps we', ['web']],
    ['service create new:one ', []],
    ['nonsense ', []],
  ])('%s', async (line, candidates) => expect(await completed(line)).toEqual(candidates));
});
