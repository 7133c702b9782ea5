import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments, visit } from 'yaml';
import { maskSecrets } from '../../../shared/config/mask-secrets.js';
import type { Collected } from './collect.js';
import { configsInDatabase } from './databases.js';

/**
 * Where configuration says a secret itself instead of naming where it comes from, such as `shop: services.web.environment.
 * static.TOKEN`; never the secret. What counts as one is what Hive masks when it shows configuration, comments included.
 */
export async function literalSecrets(files: readonly Collected[], scratch: string): Promise<string[]> {
  const found: string[] = [];
  for (const { name, source, role, content } of files) {
    if (role !== 'config') continue;
    if (name.endsWith('.yaml')) found.push(...inYaml(Buffer.from(content).toString('utf8')).map((at) => `${source ?? ''}: ${at}`));
    else {
      const path = join(scratch, `secrets-of-${source ?? ''}.db`);
      await writeFile(path, content, { mode: 0o600 });
      for (const { service, config } of configsInDatabase(path)) found.push(...differences(config, maskSecrets(config)).map((at) => `${source ?? ''}:${service}: ${at}`));
    }
  }
  return [...new Set(found)];
}

function inYaml(text: string): string[] {
  const found: string[] = [];
  for (const document of parseAllDocuments(text)) {
    if (!('contents' in document)) continue;
    const plain: unknown = document.toJS({ maxAliasCount: 1_000 });
    found.push(...differences(plain, maskSecrets(plain)));
    const comments: string[] = [];
    const note = (node: { comment?: string | null; commentBefore?: string | null }): void => void comments.push(node.comment ?? '', node.commentBefore ?? '');
    note(document);
    visit(document, {
      Node: (_key, node) => note(node),
    });
    if (comments.some((comment) => maskSecrets(comment) !== comment)) found.push('a comment');
  }
  return found;
}

/** Where two values differ, as paths. */
function differences(one: unknown, other: unknown, path = ''): string[] {
  if (one === other) return [];
  if (typeof one !== 'object' || one === null || typeof other !== 'object' || other === null) return [path === '' ? 'the whole' : path];
  return Object.entries(one).flatMap(([key, value]) => differences(value, (other as Record<string, unknown>)[key], path === '' ? key : `${path}.${key}`));
}
