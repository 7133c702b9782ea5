import type { ErrorCode } from '../shared/errors/catalogue.js';

/** What scripts may rely on; docs/hivectl.md lists them. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  notFound: 4,
  timedOut: 5,
  refused: 6,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes] | typeof interruptedExitCode;

/** Ctrl-C while hivectl waited: the shell's own convention, 128 + SIGINT, so that a loop in a script ends too. */
export const interruptedExitCode = 130;

const exitCodeByError: Record<ErrorCode, ExitCode> = {
  NOT_FOUND: exitCodes.notFound,
  ALREADY_EXISTS: exitCodes.refused,
  INVALID_CONFIG: exitCodes.refused,
  INVALID_PARAMS: exitCodes.usage,
  METHOD_NOT_FOUND: exitCodes.failed,
  CONFLICT: exitCodes.refused,
  READ_ONLY_SOURCE: exitCodes.refused,
  DEPENDENCY_CYCLE: exitCodes.refused,
  DEPENDENCY_FAILED: exitCodes.failed,
  SPAWN_FAILED: exitCodes.failed,
  BUILD_FAILED: exitCodes.failed,
  STOP_FAILED: exitCodes.failed,
  ENGINE_UNAVAILABLE: exitCodes.failed,
  IMAGE_NOT_FOUND: exitCodes.failed,
  TIMEOUT: exitCodes.timedOut,
  PERMISSION_DENIED: exitCodes.refused,
  SHUTTING_DOWN: exitCodes.unreachable,
  TOO_LARGE: exitCodes.refused,
  PLUGIN_NOT_READY: exitCodes.failed,
  NOT_SUPPORTED: exitCodes.failed,
  STORAGE_FAILED: exitCodes.failed,
  DAEMON_UNREACHABLE: exitCodes.unreachable,
  CONNECTION_CLOSED: exitCodes.unreachable,
  HOME_REFUSED: exitCodes.failed,
  HOME_LOCKED: exitCodes.refused,
  SERVICE_FAILED: exitCodes.failed,
  BACKUP_DAMAGED: exitCodes.failed,
  HOOK_FAILED: exitCodes.failed,
  CANCELLED: exitCodes.failed,
  TOO_BUSY: exitCodes.failed,
  INTERNAL: exitCodes.failed,
};

export function exitCodeOf(code: ErrorCode): ExitCode {
  return exitCodeByError[code];
}
