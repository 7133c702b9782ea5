import { loadSource, type LoadOptions } from '../../shared/config/load-source.js';
import type { Problem } from '../../shared/config/problem.js';
import type { ServiceSpec, SourceSpec } from '../../shared/config/service-spec.js';

/** Loads text as the default source of a project at /project, with everything of the format switched on. */
export function load(text: string, options: Partial<LoadOptions> = {}) {
  return loadSource(text, '/project/.adi/hive.yaml', { source: 'default', projectRoot: '/project', env: {}, limitSupport: () => null, ...options });
}

export function specOf(text: string, options: Partial<LoadOptions> = {}): SourceSpec {
  const result = load(text, options);
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.problems, null, 1)}`);
  return result.spec;
}

export function serviceOf(text: string, name: string, options: Partial<LoadOptions> = {}): ServiceSpec {
  const service = specOf(text, options).services.find((candidate) => candidate.name === name);
  if (service === undefined) throw new Error(`there is no service ${name}`);
  return service;
}

export function problemsOf(text: string, options: Partial<LoadOptions> = {}): readonly Problem[] {
  const result = load(text, options);
  return result.ok ? [] : result.problems;
}

/** A document with these services, each given as the YAML that stands after its name. */
export function withServices(services: Record<string, string>, top = ''): string {
  const lines = Object.entries(services).map(([name, body]) => `  ${name}: ${body}`);
  return `version: "1"\n${top}services:\n${lines.join('\n')}\n`;
}

export const runs = 'runner: {type: script, script: {run: serve}}';
