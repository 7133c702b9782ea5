/** SQL of the plugin system's part of state.db. */
export const pluginTables = `
  -- What is remembered of a plugin; data is a RememberedPlugin as JSON.
  CREATE TABLE plugins (id TEXT PRIMARY KEY, data TEXT NOT NULL) STRICT;
`;
