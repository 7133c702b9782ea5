/**
 * Every error that leaves a Hive process is one row of this table.
 *
 * `number` travels in JSON-RPC's `error.code`, the key in `error.data.code`. Numbers below -32000 are JSON-RPC's own;
 * ours start at 1000 and are never reused. `docs/errors.md` is compared with this table by a test.
 */
export const errorCatalogue = {
  NOT_FOUND: { number: 1001, meaning: 'What the call names does not exist.' },
  ALREADY_EXISTS: { number: 1002, meaning: 'Something of that name is there already.' },
  INVALID_CONFIG: { number: 1003, meaning: 'The configuration has problems; all of them are listed.' },
  INVALID_PARAMS: { number: -32602, meaning: 'The call itself is malformed: a parameter is missing, unknown or of the wrong shape.' },
  METHOD_NOT_FOUND: { number: -32601, meaning: 'This daemon has no such method.' },
  CONFLICT: { number: 1004, meaning: 'A port, route, expose name, name or revision belongs to something else.' },
  READ_ONLY_SOURCE: { number: 1005, meaning: 'The source is a file that only its editor changes.' },
  DEPENDENCY_CYCLE: { number: 1006, meaning: 'Services wait for each other in a circle.' },
  DEPENDENCY_FAILED: { number: 1007, meaning: 'A service that this one waits for cannot come up.' },
  SPAWN_FAILED: { number: 1008, meaning: 'The command could not be started.' },
  BUILD_FAILED: { number: 1009, meaning: 'The build command failed.' },
  STOP_FAILED: { number: 1010, meaning: 'Processes of the service are still alive after the whole stop ladder.' },
  ENGINE_UNAVAILABLE: { number: 1011, meaning: 'The container engine does not answer.' },
  IMAGE_NOT_FOUND: { number: 1012, meaning: 'The image is neither here nor in its registry.' },
  TIMEOUT: { number: 1013, meaning: 'The deadline passed before the answer or the state came.' },
  PERMISSION_DENIED: { number: 1014, meaning: 'The connection lacks the grant that the method needs.' },
  SHUTTING_DOWN: { number: 1015, meaning: 'The daemon is stopping and takes no new work.' },
  TOO_LARGE: { number: 1016, meaning: 'A message, name or value exceeds its limit.' },
  PLUGIN_NOT_READY: { number: 1017, meaning: 'The plugin is not connected or has not said that it is ready.' },
  NOT_SUPPORTED: { number: 1018, meaning: 'This build of Hive, or this machine, cannot do that.' },
  STORAGE_FAILED: { number: 1019, meaning: 'The state could not be written; nothing was changed.' },
  DAEMON_UNREACHABLE: { number: 1020, meaning: 'Nobody answers on the socket.' },
  CONNECTION_CLOSED: { number: 1021, meaning: 'The connection ended before the answer came.' },
  SERVICE_FAILED: { number: 1026, meaning: 'The service failed and stays down until somebody acts.' },
  HOOK_FAILED: { number: 1028, meaning: 'A hook failed that has to succeed (on_failure: abort).' },
  HOME_REFUSED: { number: 1022, meaning: 'The home folder is not safe to use.' },
  HOME_LOCKED: { number: 1023, meaning: 'Another daemon owns this home.' },
  BACKUP_DAMAGED: { number: 1027, meaning: 'A snapshot does not hold what was backed up, or cannot be opened with the key.' },
  TOO_BUSY: { number: 1024, meaning: 'Too many calls of this connection are running already.' },
  CANCELLED: { number: 1025, meaning: 'The caller withdrew the call before it was answered.' },
  INTERNAL: { number: -32603, meaning: 'A defect in Hive; the daemon log has the details.' },
} as const satisfies Record<string, { number: number; meaning: string }>;

export type ErrorCode = keyof typeof errorCatalogue;
