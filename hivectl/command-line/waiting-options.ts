/** Of every command that waits until what it asked for has come about. */
export const waiting = {
  wait: { type: 'boolean', default: true, describe: 'wait until it is done; --no-wait returns at once' },
  timeout: { type: 'string', describe: 'how long to wait', default: '5m' },
} as const;
