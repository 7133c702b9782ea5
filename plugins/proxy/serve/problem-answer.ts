/** An answer of the proxy's own: what happened, to which service, and why. */
export interface Problem {
  readonly status: 400 | 404 | 405 | 408 | 413 | 417 | 431 | 502 | 503 | 504;
  /** For programs. */
  readonly code: 'MALFORMED_REQUEST' | 'NO_ROUTE' | 'NO_ENDPOINT' | 'BACKEND_FAILED' | 'BACKEND_TIMEOUT' | 'CLIENT_TIMEOUT';
  /** A sentence. */
  readonly message: string;
  readonly service: string | null;
  readonly requestId: string;
}

const phrases: Record<Problem['status'], string> = {
  400: 'Bad Request', 404: 'Not Found', 405: 'Method Not Allowed', 408: 'Request Timeout', 413: 'Content Too Large', 417: 'Expectation Failed',
  431: 'Request Header Fields Too Large', 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout',
};

export interface AnswerTo { readonly accept: string; readonly isHead: boolean; readonly close: boolean }

/** The whole answer: a page for people, JSON for programs, as `Accept` says. */
export function problemAnswer(problem: Problem, { accept, isHead, close }: AnswerTo): string {
  const isPage = /text\/html|application\/xhtml/i.test(accept);
  const body = Buffer.from(isPage ? page(problem) : json(problem));
  const head = [
    `HTTP/1.1 ${problem.status} ${phrases[problem.status]}`,
    `Content-Type: ${isPage ? 'text/html' : 'application/json'}; charset=utf-8`,
    `Content-Length: ${body.length}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    ...(problem.requestId === '' ? [] : [`X-Request-Id: ${problem.requestId}`]),
    ...(problem.status === 503 ? ['Retry-After: 1'] : []),
    ...(problem.status === 405 ? ['Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'] : []),
    ...(close ? ['Connection: close'] : []),
  ];
  return `${head.join('\r\n')}\r\n\r\n${isHead ? '' : body.toString('latin1')}`;
}

function json({ status, code, message, service, requestId }: Problem): string {
  return `${JSON.stringify({ error: { status, code, message, service, requestId: requestId || null } })}\n`;
}

function page({ status, message, service, requestId }: Problem): string {
  const title = `${status} ${phrases[status]}`;
  const rows = [service === null ? '' : `<p>Service: <code>${escape(service)}</code></p>`, requestId === '' ? '' : `<p>Request: <code>${escape(requestId)}</code></p>`];
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40em;margin:4em auto;padding:0 1em}code{font-size:.9em}</style>
<h1>${title}</h1>
<p>${escape(message)}</p>
${rows.join('')}
<p><small>Hive</small></p></html>
`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
