import { nodeAt, type ConfigNode, type ConfigPath, type ScalarNode } from './config-node.js';
import type { ProblemList } from './problem-list.js';
import { parseReference, templateMistakes } from './runtime-template.js';
import { portNamesOf, type ServiceDraft } from './service-draft.js';
import { serviceSchema } from './service-config.js';

const fieldsWithTemplates = ['runner', 'environment', 'healthcheck', 'proxy', 'hooks', 'expose'];
const fieldsWithout = Object.keys(serviceSchema.shape).filter((field) => !fieldsWithTemplates.includes(field));

/** Every `{{…}}` of the service can be filled in when an instance starts, and stands where that happens. */
export function checkTemplates(draft: ServiceDraft, problems: ProblemList): void {
  const known = {
    ports: portNamesOf(draft),
    aliases: draft.wrong.has('uses') ? null : (draft.config.uses ?? []).map((use) => use.as ?? use.name),
  };
  for (const field of fieldsWithTemplates) {
    for (const { node, path, text } of textsBelow(draft.node, [field])) {
      for (const mistake of templateMistakes(text, known)) {
        problems.add({ span: node.span, path: [...draft.path, ...path], code: 'UNKNOWN_NAME', ...worded(mistake, draft.name) });
      }
    }
  }
  for (const field of fieldsWithout) {
    for (const { node, path, text } of textsBelow(draft.node, [field])) {
      const reference = /\{\{([^{}]*)\}\}/.exec(text)?.[1];
      if (reference === undefined || parseReference(reference) === null) continue;
      problems.add({
        span: node.span,
        path: [...draft.path, ...path],
        code: 'INVALID_VALUE',
        message: `{{${reference.trim()}}} is not filled in under ${field}: only ${fieldsWithTemplates.join(', ')} know the ports of an instance.`,
      });
    }
  }
}

/** What a source says for all its services is filled in for each, so that only the form can be checked; its hooks have no ports at all. */
export function checkSourceTemplates(root: ConfigNode, problems: ProblemList): void {
  for (const field of ['environment', 'hooks']) {
    for (const { node, path, text } of textsBelow(root, [field])) {
      const known = field === 'hooks' ? [] : null;
      for (const mistake of templateMistakes(text, { ports: known, aliases: known }, 'a source')) {
        problems.add({ span: node.span, path, code: 'UNKNOWN_NAME', ...mistake });
      }
    }
  }
}

function worded(mistake: ReturnType<typeof templateMistakes>[number], service: string) {
  const near = mistake.suggestion === undefined ? '' : ` Did you mean ${mistake.suggestion}?`;
  return { ...mistake, message: `In service ${service}, ${mistake.message}${near}` };
}

interface TextAt {
  readonly node: ScalarNode;
  readonly path: ConfigPath;
  readonly text: string;
}

function textsBelow(root: ConfigNode, from: ConfigPath): TextAt[] {
  const found: TextAt[] = [];
  const visit = (node: ConfigNode, path: ConfigPath): void => {
    if (node.kind === 'map') for (const [key, entry] of node.entries) visit(entry.value, [...path, key]);
    else if (node.kind === 'list') for (const [index, item] of node.items.entries()) visit(item, [...path, index]);
    else if (typeof node.value === 'string' && node.value.includes('{{')) found.push({ node, path, text: node.value });
  };
  const start = nodeAt(root, from);
  if (start !== null) visit(start, from);
  return found;
}
