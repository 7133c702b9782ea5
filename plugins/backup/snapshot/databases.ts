import Database from 'better-sqlite3';

/**
 * Copies a database that others may be writing to, by SQLite's online backup. The copy is one file without a journal beside
 * it. Rejects with what SQLite says, also when the database is damaged.
 */
export async function copyDatabase(from: string, to: string): Promise<void> {
  const source = new Database(from, { readonly: true, fileMustExist: true });
  try {
    await source.backup(to);
  } finally {
    source.close();
  }
  const copy = new Database(to, { fileMustExist: true });
  try {
    copy.pragma('journal_mode = DELETE');
    assertSound(copy);
  } finally {
    copy.close();
  }
}

/** Puts a copy into a database in which others may be reading, page by page in one transaction. */
export async function restoreDatabase(copy: string, into: string): Promise<void> {
  const source = new Database(copy, { readonly: true, fileMustExist: true });
  try {
    await source.backup(into);
  } finally {
    source.close();
  }
}

/** Whether a file is a sound database. @throws what SQLite says */
export function checkDatabase(path: string): void {
  const database = new Database(path, { readonly: true, fileMustExist: true });
  try {
    assertSound(database);
  } finally {
    database.close();
  }
}

/** The configuration of a service in the database of a source, or null. */
export function serviceInDatabase(path: string, service: string): unknown {
  const database = new Database(path, { readonly: true, fileMustExist: true });
  try {
    const text = database.prepare('SELECT config FROM services WHERE name = ?').pluck().get(service) as string | undefined;
    return text === undefined ? null : (JSON.parse(text) as unknown);
  } finally {
    database.close();
  }
}

/** Whether two databases of sources say the same, with the same history. False when one of them cannot be read. */
export function sayTheSame(one: string, other: string): boolean {
  try {
    return contentOf(one) === contentOf(other);
  } catch {
    return false;
  }
}

function contentOf(path: string): string {
  const database = new Database(path, { readonly: true, fileMustExist: true });
  try {
    return JSON.stringify(['services', 'revisions', 'settings'].map((table) => database.prepare(`SELECT * FROM ${table} ORDER BY 1`).all()));
  } finally {
    database.close();
  }
}

/** Every configuration that is in the database of a source, earlier revisions too. */
export function configsInDatabase(path: string): { service: string; config: unknown }[] {
  const database = new Database(path, { readonly: true, fileMustExist: true });
  try {
    const rows = database.prepare('SELECT name AS service, config FROM services UNION SELECT service, config FROM revisions ORDER BY 1').all() as { service: string; config: string }[];
    return rows.map(({ service, config }) => ({ service, config: JSON.parse(config) as unknown }));
  } finally {
    database.close();
  }
}

function assertSound(database: Database.Database): void {
  const verdict = database.pragma('integrity_check', { simple: true });
  if (verdict !== 'ok') throw new Error(`the database is damaged (${String(verdict).split('\n')[0] ?? ''})`);
}
