import { writeSync } from 'node:fs';
import { takeSockets } from './hand-over.js';

/** Run by a worker that hands over its sockets; see hand-over.ts. */
writeSync(1, JSON.stringify(await takeSockets()));
process.exit(0);
