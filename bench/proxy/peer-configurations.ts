/** What each peer is started with to do the same work: one worker, plain HTTP, connections to the backend kept. */
export interface Peer {
  readonly name: 'nginx' | 'haproxy' | 'caddy';
  readonly file: string;
  readonly configuration: (port: number, backendPort: number, folder: string) => string;
  readonly command: (file: string) => readonly [string, ...string[]];
}

const nginxHead = (folder: string, name: string): string =>
  `daemon off; master_process off; pid ${folder}/${name}.pid; error_log stderr crit; events { worker_connections 2048; }`;

/** Answers 13 bytes as fast as anything can. */
export const nginxBackend = (port: number, folder: string): string => `${nginxHead(folder, 'backend')}
http { access_log off; keepalive_requests 1000000000; client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  server { listen 127.0.0.1:${port}; location / { return 200 "hello, world\\n"; } } }
`;

export const peers: readonly Peer[] = [
  {
    name: 'nginx',
    file: 'nginx.conf',
    configuration: (port, backendPort, folder) => `${nginxHead(folder, 'nginx')}
http { access_log off; keepalive_requests 1000000000; client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  upstream backend { server 127.0.0.1:${backendPort}; keepalive 64; keepalive_requests 1000000000; }
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme; } } }
`,
    command: (file) => ['nginx', '-c', file],
  },
  {
    name: 'haproxy',
    file: 'haproxy.cfg',
    configuration: (port, backendPort) => `global
  nbthread 1
  maxconn 2000
defaults
  mode http
  option forwardfor
  timeout client 60s
  timeout server 60s
  timeout connect 5s
frontend front
  bind 127.0.0.1:${port}
  default_backend back
backend back
  server one 127.0.0.1:${backendPort}
`,
    command: (file) => ['haproxy', '-f', file],
  },
  {
    name: 'caddy',
    file: 'Caddyfile',
    configuration: (port, backendPort) => `{
  admin off
  auto_https off
}
http://127.0.0.1:${port} {
  reverse_proxy 127.0.0.1:${backendPort}
}
`,
    command: (file) => ['caddy', 'run', '--adapter', 'caddyfile', '--config', file],
  },
];
