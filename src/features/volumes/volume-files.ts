import { UserError } from '../../core/errors.ts';
import { podPrefix } from '../../core/journal/id.ts';
import type { Pod, Volume } from '../../core/runpod/schemas.ts';
import type { VolumeStore } from '../../core/s3/index.ts';
import { s3Endpoint } from '../../core/s3/endpoints.ts';
import { s3AccessOf } from '../../core/s3/s3-source.ts';
import type { AccountModule } from '../account/module.ts';
import type { Disposable } from '../common/disposables.ts';
import type { PolledList } from '../common/polled-list.ts';
import type { FileSource } from './file-source.ts';
import { PodConnections } from './pod-connections.ts';

/** An answer that is older than this is asked for again before a volume is called unreachable. */
const maxAgeMs = 30_000;

/** The files of volumes: over S3 where that is possible, else as running pods of ours see them. */
export class VolumeFiles implements Disposable {
  readonly #pods: PolledList<Pod>;
  readonly #volumes: PolledList<Volume>;
  readonly #s3: AccountModule['s3'];
  readonly #connections: PodConnections;
  readonly #workerFile: string;

  constructor(
    pods: PolledList<Pod>,
    volumes: PolledList<Volume>,
    { installation, s3 }: Pick<AccountModule, 'installation' | 's3'>,
    workerFile: string,
  ) {
    this.#workerFile = workerFile;
    this.#pods = pods;
    this.#volumes = volumes;
    this.#s3 = s3;
    this.#connections = new PodConnections(async (pod) => {
      const { connectTo } = await import('../../core/pods/ready.ts');
      return connectTo(pod, await installation());
    });
  }

  /** Names the volumes that pods let us look into now; it changes when that changes. */
  get reachable(): string {
    const pairs = (this.#pods.state.items ?? []).filter(isOpen).map((pod) => `${volumeOf(pod)?.volumeId}@${pod.id}`);
    return pairs.toSorted().join(' ');
  }

  /**
   * Does something with the files of a volume. Where nothing leads to them it rejects with `volume-no-keys` when S3 keys
   * would, else with `volume-closed`.
   */
  async at<T>(volume: string, work: (source: FileSource) => Promise<T>): Promise<T> {
    const store = await this.#storeOf(volume);
    if (store !== undefined) {
      const { storeSource } = await import('./store-source.ts');
      return closing(store, () => work(storeSource(store)));
    }
    const pod = await this.#podFor(volume);
    const mount = pod && volumeOf(pod)?.path;
    if (pod === undefined || mount === undefined) {
      throw this.#closed(volume);
    }
    const { podSource } = await import('./pod-source.ts');
    return this.#connections.use(pod, (connection) =>
      work(podSource({ connection, workerFile: this.#workerFile }, mount)),
    );
  }

  dispose(): void {
    this.#connections.dispose();
  }

  async #storeOf(volume: string): Promise<VolumeStore | undefined> {
    if (this.#dataCenterOf(volume) === undefined) {
      await this.#volumes.ensure(maxAgeMs);
    }
    const dataCenter = this.#dataCenterOf(volume);
    const access = dataCenter === undefined ? undefined : await s3AccessOf(this.#s3(), dataCenter);
    if (access === undefined) {
      return undefined;
    }
    const { VolumeStore: Store } = await import('../../core/s3/index.ts');
    return new Store(access, volume);
  }

  async #podFor(volume: string): Promise<Pod | undefined> {
    await this.#pods.ensure(maxAgeMs);
    return this.#pods.state.items?.find((pod) => isOpen(pod) && volumeOf(pod)?.volumeId === volume);
  }

  /** Names of the pods that run with a volume, of ours or not. */
  podsOn(volume: string): string[] {
    const running = (this.#pods.state.items ?? []).filter((pod) => pod.status === 'RUNNING');
    return running.filter((pod) => volumeOf(pod)?.volumeId === volume).map((pod) => pod.name);
  }

  /** What a volume is called. */
  nameOf(volume: string): string {
    return this.#volumes.state.items?.find(({ id }) => id === volume)?.name ?? 'the volume';
  }

  #dataCenterOf(volume: string): string | undefined {
    return this.#volumes.state.items?.find(({ id }) => id === volume)?.dataCenter;
  }

  #hasS3(volume: string): boolean {
    const dataCenter = this.#dataCenterOf(volume);
    return dataCenter !== undefined && s3Endpoint(dataCenter, this.#s3().endpoints) !== undefined;
  }

  #closed(volume: string): UserError {
    return this.#hasS3(volume)
      ? new UserError('volume-no-keys', {
          what: 'Files are visible with S3 keys, or while a pod runs on this volume.',
          next: 'Set S3 keys, or run the pipeline.',
          remedies: [{ do: 'set-s3-keys' }],
        })
      : new UserError('volume-closed', {
          what: 'Files are visible while a pod runs on this volume.',
          why: `${this.#dataCenterOf(volume) ?? 'Its data center'} has no S3 API.`,
          next: 'Run the pipeline first.',
        });
  }
}

async function closing<T>(store: VolumeStore, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await store.close();
  }
}

/** Only pods that this product rented have our key. */
function isOpen(pod: Pod): boolean {
  return pod.status === 'RUNNING' && pod.name.startsWith(podPrefix) && pod.ssh.direct !== null;
}

function volumeOf(pod: Pod): { volumeId: string; path: string } | undefined {
  return pod.mounts.network[0];
}
