import { createServer } from 'node:net';

/**
 * Whether somebody listens where a service on this port would: on 127.0.0.1 or on all addresses. Found out by listening
 * there for a moment (20 µs; reading /proc/net/tcp takes milliseconds on a machine with many connections). A port that is
 * forbidden to this process counts as free: a service may have more rights.
 */
export function isHeld(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE'));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(false)));
  });
}

/** Whether a listener shares its port with everybody who asks to share, too (SO_REUSEPORT). Always false before Node 22.12. */
export function isShared(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    const options = { port, host: '127.0.0.1', exclusive: true, reusePort: true };
    server.listen(options, () => server.close(() => resolve(true)));
  });
}
