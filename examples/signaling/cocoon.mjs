#!/usr/bin/env node
// A cocoon as small as one can be: an HTTP server that says who it is. A real one would now connect to
// SIGNALING_SERVER_URL and introduce itself with COCOON_SETUP_TOKEN, a secret that it never shows.
import { createServer } from 'node:http';

const { PORT, COCOON_NAME, COCOON_KIND, COCOON_SETUP_TOKEN = '' } = process.env;

createServer((request, response) => {
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.end(`I am ${COCOON_NAME}, a cocoon of the kind ${COCOON_KIND}. You asked for ${request.url}.\n`);
}).listen(Number(PORT), '127.0.0.1', () => console.log(`${COCOON_NAME} listens on ${PORT} and was given a token of ${COCOON_SETUP_TOKEN.length} characters.`));

process.on('SIGTERM', () => process.exit(0));
