import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startSandbox, type Sandbox, type SandboxOptions } from '../../../../sandbox/index.ts';
import { examine, type Check, type CheckId, type Subject } from '../../../../src/core/guards/doctor/index.ts';
import type { Installation } from '../../../../src/core/home/installation.ts';
import { RunPodClient } from '../../../../src/core/runpod/client.ts';
import type { CreatePodRequest } from '../../../../src/core/runpod/requests.ts';
import type { Pod } from '../../../../src/core/runpod/schemas.ts';
import { FileHostKeys, generateKeyPair } from '../../../../src/core/ssh/index.ts';
import { podRequest, smallCpu } from '../../../support/account.ts';
import { workerFile } from '../../../support/installation.ts';
import { until } from '../../../support/wait.ts';

export type DoctorInstallation = Pick<Installation, 'client' | 'restUrl' | 'key' | 'hostKeys' | 'workerFile'>;

/** A sandbox and an installation that talks to it. */
export class Clinic {
  readonly folder: string;
  readonly sandbox: Sandbox;
  readonly installation: DoctorInstallation;

  private constructor(folder: string, sandbox: Sandbox) {
    this.folder = folder;
    this.sandbox = sandbox;
    this.installation = {
      client: new RunPodClient({ restUrl: sandbox.restUrl, apiKey: sandbox.key }),
      restUrl: sandbox.restUrl,
      workerFile,
      key: generateKeyPair('test'),
      hostKeys: new FileHostKeys(path.join(folder, 'host-keys.json')),
    };
  }

  static async open(options: Partial<SandboxOptions> = {}): Promise<Clinic> {
    const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'runpod-trainer-doctor-test-')));
    const delays = { provisioning: 20, starting: 20, runtime: 20, ports: 50, stale: 100, stopping: 50 };
    return new Clinic(folder, await startSandbox({ root: path.join(folder, 'sandbox'), delays, ...options }));
  }

  async close(): Promise<void> {
    await this.sandbox.close();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }

  /** A pod as RunPod Trainer makes it, with changes; not yet ready. */
  async create(changes: Partial<CreatePodRequest> = {}): Promise<Pod> {
    const { client, key } = this.installation;
    const volume = (await client.volumes.list())[0] ?? (await this.#volume());
    return client.pods.create({
      ...podRequest('rpt-doctor', volume, key.publicKey),
      ...(changes.gpu === undefined ? { cpu: smallCpu } : {}),
      ...changes,
    } as CreatePodRequest);
  }

  #volume(): ReturnType<RunPodClient['volumes']['create']> {
    return this.installation.client.volumes.create({ name: 'clinic', dataCenter: 'US-MD-1', size: 10 });
  }

  /** A pod whose boot is over: `ssh.direct` is there when the port is declared, and the log says so. */
  async booted(changes: Partial<CreatePodRequest> = {}): Promise<Pod> {
    const { id } = await this.create(changes);
    const pod = await until('the pod has booted', async () => {
      const now = await this.installation.client.pods.get(id);
      const mapped = now.ssh.direct !== null || changes.ports !== undefined;
      return now.status === 'RUNNING' && now.runtime !== null && mapped ? now : undefined;
    });
    const replaced = changes.cmd !== undefined || changes.args !== undefined;
    if (!replaced) {
      await until('its boot log is complete', () => this.#ready(id));
    }
    return pod;
  }

  async #ready(id: string): Promise<boolean> {
    const signal = AbortSignal.timeout(2000);
    try {
      for await (const { line } of this.installation.client.pods.logs(id, { tail: 500 }, signal)) {
        if (line.includes('Pod is ready to use')) {
          return true;
        }
      }
    } catch {
      // The patience is over; the caller looks again.
    }
    return false;
  }

  examine(subject: Subject | undefined, changes: Partial<DoctorInstallation> = {}): Promise<Checks> {
    return examineAll({ ...this.installation, ...changes }, subject);
  }
}

/** Checks by id, with the ids that have one status. */
export class Checks {
  readonly all: Check[];

  constructor(all: Check[]) {
    this.all = all;
  }

  get(id: CheckId): Check {
    const found = this.all.find((c) => c.id === id);
    if (found === undefined) {
      throw new Error(`no check ${id}`);
    }
    return found;
  }

  with(status: Check['status']): CheckId[] {
    return this.all.filter((c) => c.status === status).map((c) => c.id);
  }
}

export async function examineAll(
  installation: DoctorInstallation,
  subject: Subject | undefined,
  signal?: AbortSignal,
): Promise<Checks> {
  const all: Check[] = [];
  for await (const check of examine({ installation, subject, signal })) {
    all.push(check);
  }
  return new Checks(all);
}
