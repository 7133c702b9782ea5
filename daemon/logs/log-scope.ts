import { readdir } from 'node:fs/promises';
import { isServiceName, isSourceName, parseFqn } from '../../shared/config/names.js';
import type { InstanceRef } from '../runner/runner.js';
import { wholeSource } from '../runner/task.js';
import { unlessMissing } from './durable-files.js';
import { logsFolder, readLogFileName, serviceLogFolder, type StreamName } from './log-paths.js';
import { join } from 'node:path';

/** Whose logs are asked for; what is absent is not restricted. */
export interface LogScope {
  readonly source?: string;
  readonly service?: string;
  readonly number?: number;
  readonly stream?: StreamName;
}

/** Reads `source:service`, `source:service#2`, `source:*`, or nothing for everything. Throws INVALID_PARAMS for the rest. */
export function readScope(fqn: string | undefined, stream: StreamName | undefined): LogScope {
  const only = stream === undefined ? {} : { stream };
  if (fqn === undefined || fqn === '*' || fqn === '*:*') return only;
  if (fqn.endsWith(':*') && isSourceName(fqn.slice(0, -2))) return { ...only, source: fqn.slice(0, -2) };
  const { source, service, instance } = parseFqn(fqn);
  return { ...only, source, service, ...(instance === undefined ? {} : { number: instance }) };
}

export function isInScope(scope: LogScope, ref: InstanceRef, stream: StreamName): boolean {
  return (
    (scope.source ?? ref.source) === ref.source &&
    (scope.service ?? ref.service) === ref.service &&
    (scope.number ?? ref.number) === ref.number &&
    (scope.stream ?? stream) === stream
  );
}

export interface FoundStream {
  readonly ref: InstanceRef;
  readonly stream: StreamName;
}

/** The streams of a scope that have files, also those of instances that are long gone. */
export async function findStreams(home: string, scope: LogScope): Promise<FoundStream[]> {
  const found: FoundStream[] = [];
  for (const source of scope.source === undefined ? (await names(logsFolder(home))).filter(isSourceName) : [scope.source]) {
    for (const service of scope.service === undefined ? (await names(join(logsFolder(home), source))).filter((name) => isServiceName(name) || name === wholeSource) : [scope.service]) {
      const seen = new Set<string>();
      for (const name of await names(serviceLogFolder(home, source, service))) {
        const file = readLogFileName(name);
        if (file === null || seen.has(`${file.number}.${file.stream}`)) continue;
        seen.add(`${file.number}.${file.stream}`);
        const ref = { source, service, number: file.number };
        if (isInScope(scope, ref, file.stream)) found.push({ ref, stream: file.stream });
      }
    }
  }
  return found;
}

async function names(folder: string): Promise<string[]> {
  return (await unlessMissing(readdir(folder))) ?? [];
}
