/** For calls that read a source, stop services or wait for a plugin: they take the time that those take, in milliseconds. */
export const patient = { deadlineMs: 180_000 } as const;
