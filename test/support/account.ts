import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { RequestSeen, Sandbox, SandboxOptions } from '../../sandbox/index.ts';
import type { Installation } from '../../src/core/home/installation.ts';
import type { CreatePodRequest } from '../../src/core/runpod/requests.ts';
import type { Pod, Volume } from '../../src/core/runpod/schemas.ts';
import { makeInstallation } from './installation.ts';
import { startRecordedSandbox, type RecordedSandbox } from './recorded-sandbox.ts';
import { until } from './wait.ts';

/** The request for a pod with the volume, but for its hardware. */
export function podRequest(name: string, volume: Volume, publicKey: string): Omit<CreatePodRequest, 'cpu' | 'gpu'> {
  return {
    name,
    image: 'runpod/base:1.0.2-ubuntu2404',
    dataCenterIds: [volume.dataCenter],
    disk: 20,
    ports: ['22/tcp'],
    mounts: { network: [{ volumeId: volume.id, path: '/workspace' }] },
    env: { PUBLIC_KEY: publicKey },
  };
}

export const smallCpu = { id: 'cpu5c', vcpuCount: 2 };

/** A sandbox, an installation that talks to it, and a folder; everything is gone after `close`. */
export class Account {
  readonly folder: string;
  readonly sandbox: Sandbox;
  readonly installation: Installation;
  /** Every request that reached the API. */
  readonly requests: RequestSeen[];

  private constructor(folder: string, { sandbox, requests }: RecordedSandbox) {
    this.folder = folder;
    this.sandbox = sandbox;
    this.requests = requests;
    this.installation = {
      ...makeInstallation(sandbox.restUrl, sandbox.key, path.join(folder, 'home')),
      s3: { endpoints: { template: sandbox.s3Url }, keys: () => Promise.resolve(sandbox.s3Keys) },
    };
  }

  static async open(options: Partial<SandboxOptions> = {}): Promise<Account> {
    const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'runpod-trainer-test-')));
    const delays = { provisioning: 20, starting: 20, runtime: 20, ports: 50, stale: 100, stopping: 50 };
    return new Account(folder, await startRecordedSandbox({ root: path.join(folder, 'sandbox'), delays, ...options }));
  }

  volume(name = 'test', dataCenter = 'US-MD-1'): Promise<Volume> {
    return this.installation.client.volumes.create({ name, dataCenter, size: 10 });
  }

  /** A pod of the user's own with the volume, once it has an address. */
  async rentPod(volume: Volume): Promise<string> {
    const { client, key } = this.installation;
    const { id } = await client.pods.create({ ...podRequest('rpt-own', volume, key.publicKey), cpu: smallCpu });
    await until('the pod has an address', async () => (await client.pods.get(id)).ssh.direct !== null);
    return id;
  }

  /** How many requests so far were to change something. */
  posts(): number {
    return this.requests.filter((request) => request.method === 'POST').length;
  }

  /** Pods that are not terminated. */
  async pods(): Promise<Pod[]> {
    return (await this.installation.client.pods.list()).filter((pod) => pod.status !== 'TERMINATED');
  }

  async close(): Promise<void> {
    await this.sandbox.close();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
