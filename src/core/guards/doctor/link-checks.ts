import { Client } from 'ssh2';
import { bootFingerprints } from '../../pods/boot-log.ts';
import { connectTo, pinIdOf } from '../../pods/ready.ts';
import type { Pod } from '../../runpod/schemas.ts';
import { dial } from '../../ssh/dial.ts';
import { hostKeyChanged, SshError, type SshTarget } from '../../ssh/errors.ts';
import { logIn } from '../../ssh/login.ts';
import { isYoung } from './account-checks.ts';
import { failed, ok, unknown, type Finding, type Probe, type Visit } from './check.ts';
import { keyRemedy } from './key-remedy.ts';

/** The way to the pod: network, identity of the machine at its end, login. */
export const linkProbes: readonly Probe[] = [
  { id: 'tcp', title: 'Network', needs: ['port'], run: reach },
  { id: 'host-key', title: 'Host key', needs: ['tcp'], run: checkHostKey },
  { id: 'login', title: 'SSH login', needs: ['host-key'], run: logInto },
];

function addressOf(visit: Visit): { pod: Pod; target: SshTarget } {
  const { pod } = visit;
  const direct = pod?.ssh.direct;
  if (pod === undefined || !direct) {
    throw new Error('The pod has no address.');
  }
  return { pod, target: { host: direct.host, port: direct.port, username: direct.username } };
}

async function reach(visit: Visit, signal: AbortSignal): Promise<Finding> {
  const { pod, target } = addressOf(visit);
  const where = `${target.host}:${target.port}`;
  try {
    const socket = await dial(target, signal);
    try {
      return ok(`${where} answers: ${await greeting(socket)}`);
    } finally {
      socket.destroy();
    }
  } catch (error) {
    if (signal.aborted || (error instanceof SshError && error.code === 'ssh-unreachable')) {
      return failed(
        `${where} cannot be reached`,
        'Check that this network lets connections out to any port: company networks and some VPNs allow 443 only. From another network it may work.',
      );
    }
    const { why, remedy } = keyRemedy(pod, visit.installation.key.publicKey);
    return isYoung(pod)
      ? failed(
          `no SSH server answers at ${where}`,
          `The pod has just started: wait 90 seconds and try again. If it stays so: ${why} ${remedy}`,
        )
      : failed(`no SSH server answers at ${where}. ${why}`, remedy);
  }
}

/** The first line of what a server says, such as `SSH-2.0-OpenSSH_9.2`; rejects when it closes without a word. */
export function greeting(stream: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (text.includes('\n') || text.length > 255) {
        resolve(text.split('\n')[0]?.trim().slice(0, 80) ?? '');
      }
    });
    stream.on('error', reject);
    stream.on('close', () => reject(new Error('It closed the connection without a greeting.')));
  });
}

async function checkHostKey(visit: Visit, signal: AbortSignal): Promise<Finding> {
  const { pod, target } = addressOf(visit);
  const { client, hostKeys, key } = visit.installation;
  const [pinned, printed] = await Promise.all([
    hostKeys.expected(pinIdOf(pod)),
    bootFingerprints(client, pod.id, { signal }),
  ]);
  const seen = await shownBy(target, key, signal);
  const end = 'End the pod and start a new one; do not go on over this network if you cannot explain it.';
  if (printed.length > 0 && !printed.includes(seen)) {
    return failed(
      `${seen} is not what the pod printed at boot (${printed.join(', ')}): another machine answers`,
      `Nothing was sent to it. Try again in a minute, since an address can be stale right after a start. If it stays so: ${end}`,
    );
  }
  if (pinned !== undefined && pinned !== seen) {
    return failed(
      `it was ${pinned} and now it is ${seen}, within one start of the pod`,
      `Nothing was sent to it. A pod keeps its key from start to stop. ${end}`,
    );
  }
  if (printed.length > 0) {
    return ok(`${seen}, as the pod printed at boot`);
  }
  return pinned === undefined
    ? unknown(
        `${seen}, seen for the first time; the boot log shows none to compare it with`,
        'Compare it with "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" in the web terminal of the pod, if in doubt.',
      )
    : ok(`${seen}, the same as before`);
}

/** The fingerprint that a server shows. The handshake is broken off before anything else is told to it. */
async function shownBy(target: SshTarget, key: Visit['installation']['key'], signal: AbortSignal): Promise<string> {
  let seen = '';
  const client = new Client();
  const check = (fingerprint: string): SshError => {
    seen = fingerprint;
    return hostKeyChanged(target, '', fingerprint);
  };
  try {
    await logIn({ target, key, pingMs: 5000, check }, { timeoutMs: 15_000, signal }, async (config) => {
      await new Promise((_, reject) => {
        client.on('error', reject);
        client.once('close', () => reject(new Error('The server closed the connection.')));
        client.connect(config);
      });
    });
  } catch (error) {
    if (seen === '') {
      throw error;
    }
  } finally {
    client.end();
  }
  return seen;
}

async function logInto(visit: Visit, signal: AbortSignal): Promise<Finding> {
  const { pod, target } = addressOf(visit);
  const { key } = visit.installation;
  try {
    visit.connection = await connectTo(pod, visit.installation, signal);
  } catch (error) {
    if (!(error instanceof SshError) || error.code !== 'ssh-auth') {
      throw error;
    }
    const { why, remedy } = keyRemedy(pod, key.publicKey);
    return failed(`SSH key not recognised for ${target.username}. ${why}`, remedy);
  }
  return ok(`as ${target.username} with the key of this installation`);
}
