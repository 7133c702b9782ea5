import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { findProgram, runCommand, startInBackground } from '../tools/run-command.js';
import { fileBytes } from '../tools/file-bytes.js';
import { waitUntil } from '../tools/wait-until.js';
import type { Peer, Plan, Supervisor } from './peer.js';

/** Starts with `supervisor.startAllProcesses` over its socket. Its default settings, but for log rotation, which is off. */
export const supervisord: Peer = {
  name: 'supervisord',
  howToGet: 'apt-get install supervisor',

  async find() {
    if ((await findProgram('supervisord')) === null) return null;
    return (await runCommand({ file: 'supervisord', args: ['--version'] })).trim();
  },

  async prepare({ folder, services, restart }: Plan): Promise<Supervisor> {
    const logs = join(folder, 'logs');
    mkdirSync(logs, { recursive: true });
    const socket = join(folder, 'supervisor.sock');
    const config = join(folder, 'supervisord.conf');
    const programs = services.map(({ name, command }) => {
      // % begins a substitution of supervisord's own, and a quote ends an argument of its own.
      const script = command.replaceAll('%', '%%').replaceAll("'", `'"'"'`);
      return `[program:${name}]\ncommand=/bin/sh -c '${script}'\nautostart=false\nautorestart=${restart}\nredirect_stderr=true\n`
        + `stdout_logfile=${logs}/${name}.log\nstdout_logfile_maxbytes=0\nstartsecs=${restart ? 1 : 0}\n`;
    });
    writeFileSync(config, [
      `[supervisord]\nlogfile=${folder}/supervisord.log\npidfile=${folder}/supervisord.pid\nchildlogdir=${logs}\nnodaemon=true\nminfds=20000\nuser=${process.getuid?.() === 0 ? 'root' : ''}\n`,
      `[unix_http_server]\nfile=${socket}\n`,
      `[supervisorctl]\nserverurl=unix://${socket}\n`,
      '[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n',
      ...programs,
    ].join('\n').replace(/^user=\n/m, ''));
    const daemon = startInBackground({ file: 'supervisord', args: ['-c', config] });
    await waitUntil('supervisord', () => existsSync(socket), 30_000);
    const agent = new Agent({ keepAlive: true });
    const call = (method: string, params = ''): Promise<string> => callXmlRpc(socket, agent, method, params);
    await call('supervisor.getState');
    return {
      start: async () => void (await call('supervisor.startAllProcesses', '<param><value><boolean>0</boolean></value></param>')),
      processes: () => ({ daemon: [daemon.pid] }),
      outputBytes: (service) => fileBytes(join(logs, `${service}.log`)),
      askStatus: () => call('supervisor.getAllProcessInfo'),
      statusCommand: { file: 'supervisorctl', args: ['-c', config, 'status'] },
      stop: async () => {
        agent.destroy();
        process.kill(daemon.pid, 'SIGTERM');
        await daemon.ended;
      },
    };
  },
};

/** The answer as text: what a client makes of it is not the supervisor's time. */
function callXmlRpc(socketPath: string, agent: Agent, method: string, params: string): Promise<string> {
  const body = `<?xml version="1.0"?><methodCall><methodName>${method}</methodName><params>${params}</params></methodCall>`;
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, agent, path: '/RPC2', method: 'POST', headers: { 'content-type': 'text/xml', 'content-length': body.length } }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => (text.includes('<fault>') ? reject(new Error(`${method}: ${text}`)) : resolve(text)));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
