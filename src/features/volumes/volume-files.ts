import { UserError } from '../../core/errors.ts';
import { podPrefix } from '../../core/jobs/id.ts';
import type { Pod } from '../../core/runpod/schemas.ts';
import type { SshConnection } from '../../core/ssh/index.ts';
import type { VolumePlace } from '../../core/volumes/browse.ts';
import type { Credentials } from '../account/credentials.ts';
import type { Disposable } from '../common/disposables.ts';
import type { PolledList } from '../common/polled-list.ts';
import { PodConnections } from './pod-connections.ts';

/** An answer about pods that is older than this is asked for again before a volume is called unreachable. */
const podsMaxAgeMs = 30_000;

export const noPodText = 'Files are visible while a pod runs on this volume';

/** The files of volumes, as running pods of ours see them. */
export class VolumeFiles implements Disposable {
  readonly #pods: PolledList<Pod>;
  readonly #connections: PodConnections;

  constructor(pods: PolledList<Pod>, credentials: Credentials) {
    this.#pods = pods;
    this.#connections = new PodConnections(async (pod) => {
      const { connectTo } = await import('../../core/pods/ready.ts');
      const { homeFolder, hostKeysIn } = await import('../../core/installation.ts');
      return connectTo(pod, { key: await credentials.sshKey(), hostKeys: hostKeysIn(homeFolder()) });
    });
  }

  /** Names the volumes that can be looked into now; it changes when that changes. */
  get reachable(): string {
    const pairs = (this.#pods.state.items ?? []).filter(isOpen).map((pod) => `${volumeOf(pod)?.volumeId}@${pod.id}`);
    return pairs.toSorted().join(' ');
  }

  /** A pod that can tell about a volume; undefined when none runs. */
  async podFor(volume: string): Promise<Pod | undefined> {
    await this.#pods.ensure(podsMaxAgeMs);
    return this.#pods.state.items?.find((pod) => isOpen(pod) && volumeOf(pod)?.volumeId === volume);
  }

  /** Does something with a path of a volume. Rejects with `volume-closed` when no pod runs on it. */
  async at<T>(
    volume: string,
    path: string,
    work: (connection: SshConnection, place: VolumePlace) => Promise<T>,
  ): Promise<T> {
    const pod = await this.podFor(volume);
    const mount = pod && volumeOf(pod)?.path;
    if (pod === undefined || mount === undefined) {
      throw new UserError('volume-closed', {
        what: `${noPodText}, and none does now.`,
        next: 'Run the pipeline first.',
      });
    }
    return this.#connections.use(pod, (connection) => work(connection, { mount, path }));
  }

  dispose(): void {
    this.#connections.dispose();
  }
}

/** Only pods that this product rented have our key. */
function isOpen(pod: Pod): boolean {
  return pod.status === 'RUNNING' && pod.name.startsWith(podPrefix) && pod.ssh.direct !== null;
}

function volumeOf(pod: Pod): { volumeId: string; path: string } | undefined {
  return pod.mounts.network[0];
}
