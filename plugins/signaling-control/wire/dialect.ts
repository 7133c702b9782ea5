/** Two generations of the protocol, which differ in the names of their messages and in nothing else. */
export const dialects = ['hive', 'legacy'] as const;
export type Dialect = (typeof dialects)[number];

/** What a message means, and its `type` in each dialect. */
export const typeNames = {
  register: { hive: 'hive_register', legacy: 'register_hive' },
  registered: { hive: 'hive_register_response', legacy: 'hive_registered' },
  spawn: { hive: 'hive_spawn_cocoon', legacy: 'spawn_cocoon' },
  spawnResult: { hive: 'hive_spawn_cocoon_result', legacy: 'spawn_cocoon_result' },
  terminate: { hive: 'hive_terminate_cocoon', legacy: 'terminate_cocoon' },
  terminateResult: { hive: 'hive_terminate_cocoon_result', legacy: 'terminate_cocoon_result' },
  serverError: { hive: 'system_error', legacy: 'error' },
} as const satisfies Record<string, Record<Dialect, string>>;

export type Meaning = keyof typeof typeNames;

const meanings = new Map<string, { meaning: Meaning; dialect: Dialect }>();
for (const meaning of Object.keys(typeNames) as Meaning[]) {
  for (const dialect of dialects) meanings.set(typeNames[meaning][dialect], { meaning, dialect });
}

/** Null: a type that is none of ours. */
export function meaningOf(type: string): { meaning: Meaning; dialect: Dialect } | null {
  return meanings.get(type) ?? null;
}
