import { hookTables } from '../hooks/transition-records.js';
import { pluginTables } from '../plugins/plugin-tables.js';
import { dependencyTables } from '../supervisor/dependency-troubles.js';
import { sharingTables } from '../sharing/injection-records.js';

/** state.db, one step a format version; a step that has shipped never changes. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

  -- The event journal. body is the whole event as JSON text, ready to be sent.
  CREATE TABLE events (
    seq     INTEGER PRIMARY KEY,
    time    INTEGER NOT NULL,
    type    TEXT NOT NULL,
    service TEXT,
    body    TEXT NOT NULL
  ) STRICT;
  CREATE INDEX events_by_service ON events (service, seq) WHERE service IS NOT NULL;

  -- Where a named subscriber last acknowledged.
  CREATE TABLE cursors (name TEXT PRIMARY KEY, seq INTEGER NOT NULL, time INTEGER NOT NULL) STRICT;

  -- Registered sources, and the last text of each that could be loaded.
  CREATE TABLE sources (
    name     TEXT PRIMARY KEY,
    kind     TEXT NOT NULL CHECK (kind IN ('yaml', 'sqlite')),
    path     TEXT NOT NULL,
    enabled  INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    good     TEXT
  ) STRICT;

  -- What the operator wants of a service; no row: nobody has said.
  CREATE TABLE intents (fqn TEXT PRIMARY KEY, wanted TEXT NOT NULL CHECK (wanted IN ('up', 'down')), boot TEXT NOT NULL) STRICT;

  -- How many instances the operator (or an autoscaler) wants; no row: as the configuration says.
  CREATE TABLE scales (fqn TEXT PRIMARY KEY, instances INTEGER NOT NULL) STRICT;

  -- Where the last rollout of a service stands; data is a RolloutRecord as JSON.
  CREATE TABLE rollouts (fqn TEXT PRIMARY KEY, data TEXT NOT NULL) STRICT;

  -- What is remembered of an instance across daemons; data is an InstanceRecord as JSON.
  CREATE TABLE instances (id TEXT PRIMARY KEY, data TEXT NOT NULL) STRICT;

  -- Ports that were allocated to instances ("auto").
  CREATE TABLE ports (port INTEGER PRIMARY KEY, instance TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (instance, name)) STRICT;

  -- The build that was last done for a service, by the hash of its build spec.
  CREATE TABLE builds (fqn TEXT PRIMARY KEY, hash TEXT NOT NULL) STRICT;
  ${pluginTables}
  `,
  sharingTables,
  dependencyTables,
  hookTables,
];
