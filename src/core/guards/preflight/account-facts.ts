import packageJson from '../../../../package.json' with { type: 'json' };
import type { Installation } from '../../home/installation.ts';
import type { Capabilities } from '../../home/capabilities.ts';
import { planVolume, type VolumePlan } from '../../pods/volume.ts';
import type { Project } from '../../project/schema.ts';
import type { Balance } from '../../runpod/account.ts';
import { isApiError } from '../../runpod/api-error.ts';
import type { Availability, CpuType, DataCenter, GpuType, Volume } from '../../runpod/schemas.ts';
import { exchangeText } from '../../runpod/wire.ts';
import { type Memo, UnknownFact } from './memo.ts';

const limitMs = 8000;

/** A thing of `target.gpus` or `target.cpu`, as the catalog knows it in the data center of the volume. */
export interface Hardware {
  id: string;
  /** Where it stands in the project. */
  at: (string | number)[];
  gpu: GpuType | undefined;
  cpu: CpuType | undefined;
  stock: Availability;
  /** USD per hour for the whole pod; null when the catalog does not tell. */
  costPerHour: number | null;
}

/** Facts that RunPod tells; every call is free of charge. */
export class AccountFacts {
  readonly #memo: Memo;
  readonly #installation: Installation;
  readonly #target: Project['target'];
  readonly #now: () => number;

  constructor(memo: Memo, installation: Installation, target: Project['target'], now: () => number) {
    this.#memo = memo;
    this.#installation = installation;
    this.#target = target;
    this.#now = now;
  }

  /** Rejects with the ApiError of a key that cannot be used. */
  key(): Promise<void> {
    return this.#memo.get('The API key', limitMs, (signal) => this.#installation.client.account.checkKey(signal));
  }

  /** Undefined where the account does not tell. */
  balance(): Promise<Balance | undefined> {
    return this.#memo.get('The balance', limitMs, (signal) => this.#installation.client.balance(signal));
  }

  /** Names of the account's secrets that contain this one. Rejects where the API does not tell. */
  secretNames(name: string): Promise<string[]> {
    return this.#memo.get('The list of secrets', limitMs, async (signal) => {
      try {
        return await this.#installation.client.account.secretNames(name, signal);
      } catch (error) {
        if (isApiError(error, 'not-found', 'permission', 'invalid')) {
          throw new UnknownFact(`Whether the secret ${name} exists is not told to this key.`);
        }
        throw error;
      }
    });
  }

  dataCenters(): Promise<DataCenter[]> {
    return this.#memo.get('The list of data centers', limitMs, (signal) =>
      this.#installation.client.catalog.dataCenters({}, signal),
    );
  }

  /** Rejects with the UserError that says why the volume cannot be used. */
  volumePlan(): Promise<VolumePlan> {
    return this.#memo.get('The volume', limitMs, (signal) =>
      planVolume(this.#installation.client, this.#target.volume, signal),
    );
  }

  /** Volumes of the project's name, wherever they are. */
  volumes(): Promise<Volume[]> {
    const { name } = this.#target.volume;
    return this.#memo.get('The list of volumes', limitMs, async (signal) =>
      (await this.#installation.client.volumes.list(signal)).filter((v) => v.name === name || v.id === name),
    );
  }

  /** Where the pod would be. */
  async dataCenter(): Promise<string> {
    const plan = await this.volumePlan().catch(() => undefined);
    if (plan !== undefined) {
      return plan.exists ? plan.volume.dataCenter : plan.dataCenter;
    }
    if (this.#target.volume.dataCenter === undefined) {
      throw new UnknownFact('The data center is not known, because the volume is not.');
    }
    return this.#target.volume.dataCenter;
  }

  gpus(minCuda: string | undefined): Promise<GpuType[]> {
    const filter = {
      count: this.#target.gpuCount,
      cloud: 'SECURE' as const,
      ...(minCuda !== undefined && { minCudaVersion: minCuda }),
    };
    return this.#memo.get(`The GPU types${minCuda === undefined ? '' : ` for CUDA ${minCuda}`}`, limitMs, (signal) =>
      this.#installation.client.catalog.gpus(filter, signal),
    );
  }

  cpus(vcpuCount: number): Promise<CpuType[]> {
    return this.#memo.get('The CPU types', limitMs, (signal) =>
      this.#installation.client.catalog.cpus({ vcpuCount }, signal),
    );
  }

  /** What the project may rent, in its order; a type that RunPod does not have has neither `gpu` nor `cpu`. */
  async hardware(): Promise<Hardware[]> {
    const { cpu, gpus, gpuCount, minCuda } = this.#target;
    if (cpu !== undefined) {
      const [catalog, dataCenter] = await Promise.all([this.cpus(cpu.vcpuCount), this.dataCenter()]);
      const type = catalog.find((c) => c.id === cpu.id);
      const price = type?.price?.securePerVcpu ?? null;
      const costPerHour = price === null || price === 0 ? null : price * cpu.vcpuCount;
      const stock = stockIn(type, dataCenter);
      return [{ id: cpu.id, at: ['target', 'cpu', 'id'], gpu: undefined, cpu: type, stock, costPerHour }];
    }
    const [catalog, dataCenter] = await Promise.all([this.gpus(minCuda), this.dataCenter()]);
    // The floor may hide types altogether.
    const hidden = minCuda !== undefined && gpus?.some((id) => !catalog.some((g) => g.id === id)) === true;
    const all = hidden ? await this.gpus(undefined) : [];
    return (gpus ?? []).map((id, i) => {
      const fitting = catalog.find((g) => g.id === id);
      const type = fitting ?? all.find((g) => g.id === id);
      const price = type?.price?.secure ?? null;
      const costPerHour = price === null || price === 0 ? null : price * gpuCount;
      return {
        id,
        at: ['target', 'gpus', i],
        gpu: type,
        cpu: undefined,
        stock: stockIn(fitting, dataCenter),
        costPerHour,
      };
    });
  }

  /** USD per hour of the cheapest thing in stock, else of the cheapest at all; undefined when no price is known. */
  async pricePerHour(): Promise<number | undefined> {
    const all = await this.hardware();
    const free = all.filter((h) => h.stock !== 'NONE');
    const prices = (free.length > 0 ? free : all).map((h) => h.costPerHour).filter((p) => p !== null);
    return prices.length > 0 ? Math.min(...prices) : undefined;
  }

  capabilities(): Promise<Capabilities> {
    return this.#memo.get('What is known of the platform', limitMs, () =>
      this.#installation.platform.capabilities(this.#installation.restUrl),
    );
  }

  /** Seconds by which this machine's clock is ahead of RunPod's; the header has whole seconds. */
  clockAhead(): Promise<number> {
    return this.#memo.get("RunPod's clock", limitMs, async (signal) => {
      const before = this.#now();
      // Any answer has the date, so none of the account is asked for, and no key is sent.
      const answer = await exchangeText({
        method: 'GET',
        url: this.#installation.restUrl,
        headers: { 'User-Agent': `${packageJson.name}/${packageJson.version}`, Accept: 'application/json' },
        body: undefined,
        timeoutMs: limitMs,
        signal,
      });
      const after = this.#now();
      const date = 'lost' in answer ? NaN : Date.parse(answer.headers.date ?? '');
      if (Number.isNaN(date)) {
        throw new UnknownFact("RunPod's answer has no date, so the clocks cannot be compared.");
      }
      return ((before + after) / 2 - date - 500) / 1000;
    });
  }
}

function stockIn(type: GpuType | CpuType | undefined, dataCenter: string): Availability {
  return type?.dataCenters.find((d) => d.id === dataCenter)?.availability ?? 'NONE';
}
