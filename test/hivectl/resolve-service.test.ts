import { describe, expect, it } from '@jest/globals';
import { resolveService, resolveServiceOrSource, resolveTarget, type KnownNames } from '../../hivectl/names/resolve-service.js';

const named = (fqn: string) => ({ fqn, source: fqn.split(':')[0] ?? '', name: fqn.split(':')[1] ?? '' });
const known: KnownNames = {
  services: ['shop:web', 'shop:db', 'blog:web', 'blog:mailer'].map(named),
  sources: ['shop', 'blog', 'empty'],
  folderSource: null,
};
const inShop: KnownNames = { ...known, folderSource: 'shop' };

describe('a name on the command line', () => {
  it('means the service of the folder first', () => {
    expect(resolveService('web', inShop)).toBe('shop:web');
    expect(resolveService('web', { ...known, folderSource: 'blog' })).toBe('blog:web');
  });

  it('means the only service of that name elsewhere, in a folder that has none too', () => {
    expect(resolveService('mailer', inShop)).toBe('blog:mailer');
    expect(resolveService('db', known)).toBe('shop:db');
  });

  it('lists the candidates when it could mean several', () => {
    expect(() => resolveService('web', known)).toThrow(
      expect.objectContaining({ code: 'INVALID_PARAMS', message: 'web is in several sources: shop:web, blog:web.', data: expect.objectContaining({ candidates: ['shop:web', 'blog:web'] }) }),
    );
  });

  it('is taken as it is when it is a full name', () => {
    expect(resolveService('blog:web', inShop)).toBe('blog:web');
  });

  it.each([
    ['wbe', 'There is no service wbe.', 'Did you mean web?'],
    ['shop:dbb', 'There is no service shop:dbb.', 'Did you mean shop:db?'],
    ['shpo:*', 'There is no source shpo.', 'Did you mean shop?'],
    ['nothing-like-it', 'There is no service nothing-like-it.', 'hivectl status --all shows what there is.'],
  ])('that is unknown gets the nearest one: %s', (text, message, next) => {
    expect(() => resolveTarget(text, known)).toThrow(expect.objectContaining({ code: 'NOT_FOUND', message, next }));
  });

  it('may be a whole source or one instance', () => {
    expect(resolveTarget('shop:*', known)).toEqual({ kind: 'source', source: 'shop' });
    expect(resolveServiceOrSource('empty:*', known)).toEqual({ source: 'empty' });
    expect(resolveTarget('db#2', known)).toEqual({ kind: 'instance', fqn: 'shop:db', instance: 'shop:db#2' });
    expect(resolveTarget('blog:web#10', known)).toEqual({ kind: 'instance', fqn: 'blog:web', instance: 'blog:web#10' });
  });

  it('is refused where it is the wrong kind', () => {
    expect(() => resolveService('db#2', known)).toThrow(expect.objectContaining({ code: 'INVALID_PARAMS', next: 'Write shop:db.' }));
    expect(() => resolveService('shop:*', known)).toThrow(expect.objectContaining({ code: 'INVALID_PARAMS' }));
    expect(() => resolveTarget('Shop:web', known)).toThrow(expect.objectContaining({ code: 'INVALID_PARAMS' }));
    expect(() => resolveTarget('shop:web#0', known)).toThrow(expect.objectContaining({ code: 'INVALID_PARAMS' }));
  });
});
