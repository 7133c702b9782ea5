import { z } from 'zod';
import { named, wholeNumber } from './schema-parts.js';

export const hostPort = () =>
  z.union([wholeNumber(1, 65_535), z.literal('auto')]).describe('A port number, or auto for one that Hive allocates and keeps.');

export const portName = () => named('port');

/** A port as routes and health checks refer to it: by name, by template or, for a number, by the port that has it. */
export const portReference = () =>
  z
    .union([z.string().min(1), wholeNumber(1, 65_535)])
    .transform((written): PortReference => {
      const digits = /^\s*(\d{1,5})\s*$/.exec(String(written));
      if (digits?.[1] !== undefined) return { kind: 'number', number: Number(digits[1]) };
      const template = /^\s*\{\{\s*runtime\.port\.([^{}\s]+)\s*\}\}\s*$/.exec(String(written));
      return { kind: 'name', name: template?.[1] ?? String(written).trim() };
    });

export type PortReference = { readonly kind: 'name'; readonly name: string } | { readonly kind: 'number'; readonly number: number };
