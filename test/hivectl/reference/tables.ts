import { z } from 'zod';
import { commands } from '../../../hivectl/command-line/table.js';
import { globalOptions } from '../../../hivectl/command-line/global-options.js';
import { usageOf, type Command, type Option } from '../../../hivectl/command-line/command.js';
import { errorCatalogue, type ErrorCode } from '../../../shared/errors/catalogue.js';
import { exitCodeOf } from '../../../hivectl/exit-codes.js';
import { eventTypes } from '../../../shared/protocol/events.js';
import { methods, type MethodRow } from '../../../shared/protocol/methods.js';
import { eventFieldsInSource } from './event-fields.js';
import { fieldsOf, namedShapes, schemaOf, typeText } from './type-text.js';

/** The generated parts of the reference pages, by page and by the name of the part. */
export function referenceTables(): Record<string, Record<string, string>> {
  return {
    'protocol.md': { methods: methodsTable(), shapes: shapesTables() },
    'events.md': { events: eventsTable() },
    'errors.md': { errors: errorsTable() },
    'hivectl.md': { commands: commandsList(), options: optionsTable(globalOptions) },
  };
}

function methodsTable(): string {
  const rows = Object.entries(methods as Record<string, MethodRow>).map(([name, row]) => [
    `\`${name}\``, `\`${row.client}\``, row.doc, `\`${typeText(schemaOf(row.params(z)))}\``, `\`${typeText(schemaOf(row.result(z)))}\``, row.needDoc === '–' ? '–' : `\`${row.needDoc}\``,
  ]);
  return table(['method', 'of DaemonClient', 'does', 'params', 'result', 'needs'], rows);
}

function shapesTables(): string {
  const sections = Object.entries(namedShapes).map(([name, schema]) => {
    const rows = fieldsOf(schemaOf(schema)).map(({ name, optional, type, describe }) => [`\`${name}\`${optional ? ' (may be absent)' : ''}`, `\`${type}\``, describe]);
    return `### ${name}\n\n${table(['field', 'type', ''], rows)}`;
  });
  return sections.join('\n\n');
}

function eventsTable(): string {
  const fields = eventFieldsInSource();
  const rows = Object.entries(eventTypes).map(([type, doc]) => {
    const own = fields.get(type) ?? '';
    return [`\`${type}\``, doc, own === '' ? '' : `\`${own}\``];
  });
  return table(['type', 'meaning', 'fields'], rows);
}

function errorsTable(): string {
  const rows = (Object.keys(errorCatalogue) as ErrorCode[]).map((code) => {
    const { number, meaning } = errorCatalogue[code];
    return [`\`${code}\``, String(number), meaning, String(exitCodeOf(code))];
  });
  return table(['code', 'number', 'meaning', 'hivectl exits with'], rows);
}

function commandsList(): string {
  return commands.flatMap((row) => commandSections(row, 'hivectl')).join('\n\n');
}

function commandSections(row: Command, prefix: string): string[] {
  const name = `${prefix} ${row.name}`;
  if (row.run === null) return row.commands.flatMap((each) => commandSections(each, name));
  const aliases = row.aliases === undefined ? '' : ` Also: ${row.aliases.map((alias) => `\`${prefix} ${alias}\``).join(', ')}.`;
  const parts = [`### \`${prefix} ${usageOf(row)}\``, `${capital(row.describe)}.${aliases}`];
  if (Object.keys(row.options).length > 0) parts.push(optionsTable(row.options));
  return [parts.join('\n\n')];
}

function optionsTable(options: Readonly<Record<string, Option>>): string {
  const rows = Object.entries(options).map(([name, { type, describe, alias, choices, default: byDefault }]) => {
    const value = type === 'boolean' ? '' : ` ${choices?.join('\\|') ?? `<${type === 'number' ? 'n' : 'text'}>`}`;
    const written = `\`--${byDefault === true ? 'no-' : ''}${name}${value}\`${alias === undefined ? '' : `, \`-${alias}\``}`;
    return [written, describe, byDefault === undefined || type === 'boolean' ? '' : `\`${String(byDefault)}\``];
  });
  return table(['option', 'meaning', 'default'], rows);
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  // A bar ends a cell, even within code.
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replace(/(?<!\\)\|/g, '\\|')).join(' | ')} |`;
  return [line(titles), `|${' --- |'.repeat(titles.length)}`, ...rows.map(line)].join('\n');
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
