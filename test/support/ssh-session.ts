import path from 'node:path';
import type { ConnectOptions, SshConnection, SshKeyPair } from '../../src/core/ssh/index.ts';
import { connect, FileHostKeys, generateKeyPair } from '../../src/core/ssh/index.ts';
import type { Sshd, SshdOptions } from './sshd.ts';
import { startSshd } from './sshd.ts';

/** An sshd with one client's key, whose connections and server are ended by `stop`. */
export interface SshSetup {
  sshd: Sshd;
  /** The key that is authorized. */
  key: SshKeyPair;
  hostKeys: FileHostKeys;
  /** Connects with that key; `changes` replaces options. */
  connect: (changes?: Partial<ConnectOptions>) => Promise<SshConnection>;
  stop: () => Promise<void>;
}

export async function setUpSsh(folder: string, options: Partial<SshdOptions> = {}): Promise<SshSetup> {
  const key = generateKeyPair('test');
  const sshd = await startSshd({ folder: path.join(folder, 'sshd'), authorized: [key.publicKey], ...options });
  const hostKeys = new FileHostKeys(path.join(folder, 'host-keys.json'));
  const open: SshConnection[] = [];
  return {
    sshd,
    key,
    hostKeys,
    connect: async (changes) => {
      const connection = await connect({ target: sshd.target, key, hostKeys, pinId: 'pod@1', ...changes });
      open.push(connection);
      return connection;
    },
    stop: async () => {
      for (const connection of open) {
        connection.close();
        await connection.closed;
      }
      await sshd.stop();
    },
  };
}
