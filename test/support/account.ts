import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startSandbox, type RequestSeen, type Sandbox, type SandboxOptions } from '../../sandbox/index.ts';
import { platformIn, recordsIn, type Installation } from '../../src/core/installation.ts';
import { RunPodClient } from '../../src/core/runpod/client.ts';
import type { Pod, Volume } from '../../src/core/runpod/schemas.ts';
import { FileHostKeys, generateKeyPair } from '../../src/core/ssh/index.ts';

const repository = path.resolve(import.meta.dirname, '..', '..');

/** A sandbox, an installation that talks to it, and a folder; everything is gone after `close`. */
export class Account {
  readonly folder: string;
  readonly sandbox: Sandbox;
  readonly installation: Installation;
  /** Every request that reached the API. */
  readonly requests: RequestSeen[];

  private constructor(folder: string, sandbox: Sandbox, requests: RequestSeen[]) {
    this.folder = folder;
    this.sandbox = sandbox;
    this.requests = requests;
    const home = path.join(folder, 'home');
    this.installation = {
      client: new RunPodClient({ restUrl: sandbox.restUrl, apiKey: sandbox.key }),
      restUrl: sandbox.restUrl,
      workerFile: path.join(process.env.RUNPOD_TRAINER_DIST ?? path.join(repository, 'dist'), 'worker.pyz'),
      localPython: process.env.RUNPOD_TRAINER_PYTHON ?? path.join(repository, '.venv/bin/python'),
      key: generateKeyPair('test'),
      hostKeys: new FileHostKeys(path.join(home, 'host-keys.json')),
      records: recordsIn(home),
      platform: platformIn(home),
      s3: { endpoints: { template: sandbox.s3Url }, keys: () => Promise.resolve(sandbox.s3Keys) },
      home,
    };
  }

  static async open(options: Partial<SandboxOptions> = {}): Promise<Account> {
    const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'runpod-trainer-test-')));
    const delays = { provisioning: 20, starting: 20, runtime: 20, ports: 50, stale: 100, stopping: 50 };
    const requests: RequestSeen[] = [];
    const { faults, ...rest } = options;
    const sandbox = await startSandbox({
      root: path.join(folder, 'sandbox'),
      delays,
      ...rest,
      faults: {
        ...faults,
        request: (seen) => {
          requests.push(seen);
          return faults?.request?.(seen);
        },
      },
    });
    return new Account(folder, sandbox, requests);
  }

  volume(name = 'test', dataCenter = 'US-MD-1'): Promise<Volume> {
    return this.installation.client.volumes.create({ name, dataCenter, size: 10 });
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
