import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { z } from 'zod';
import { dataCenters, storagePrices } from '../data/catalog.ts';
import type { Ledger } from '../ledger.ts';
import { notFound, Problem } from '../problem.ts';
import type { createVolume, updateVolume, VolumeType } from '../schemas.ts';
import { readJson, writeJson } from '../store.ts';
import { newId } from './account.ts';

export interface Volume {
  id: string;
  name: string;
  /** GB allocated. */
  size: number;
  dataCenter: string;
  type: VolumeType;
}

const hoursPerMonth = 730;

/** USD per hour of a volume's allocated size. */
function hourlyPrice(volume: Volume): number {
  const { standard, standardAboveTerabyte, highPerformance } = storagePrices;
  const monthly =
    volume.type === 'HIGH_PERFORMANCE'
      ? volume.size * highPerformance
      : Math.min(volume.size, 1000) * standard + Math.max(0, volume.size - 1000) * standardAboveTerabyte;
  return monthly / hoursPerMonth;
}

/** Network volumes: a directory each below `<root>/volumes`, kept across starts. */
export class Volumes {
  readonly #root: string;
  readonly #ledger: Ledger;
  readonly #saved: { volumes: Volume[] };

  constructor(root: string, ledger: Ledger) {
    this.#root = root;
    this.#ledger = ledger;
    this.#saved = (readJson(this.#file) as { volumes: Volume[] } | undefined) ?? { volumes: [] };
    for (const volume of this.#saved.volumes) mkdirSync(this.directory(volume.id), { recursive: true });
  }

  get #file(): string {
    return path.join(this.#root, 'volumes.json');
  }

  #save(): void {
    writeJson(this.#file, this.#saved);
  }

  /** Where a volume's files lie on this machine. */
  directory(id: string): string {
    return path.join(this.#root, 'volumes', id);
  }

  list(): { networkVolumes: readonly Volume[] } {
    return { networkVolumes: this.#saved.volumes };
  }

  get(id: string): Volume {
    const volume = this.#saved.volumes.find((one) => one.id === id);
    if (volume === undefined) throw notFound('network volume');
    return volume;
  }

  create(body: z.infer<typeof createVolume>): Volume {
    const center = dataCenters.find((one) => one.id === body.dataCenter);
    const tier = body.type ?? center?.volumes[0];
    if (center === undefined || tier === undefined || !center.volumes.includes(tier)) {
      const able = dataCenters.filter((one) => (body.type ? one.volumes.includes(body.type) : one.volumes.length > 0));
      throw new Problem(
        400,
        `Data center "${body.dataCenter}" does not support ${body.type ?? 'network'} volumes. ` +
          `Supported data centers: ${able.map((one) => one.id).join(', ')}`,
      );
    }
    const volume: Volume = { id: newId(10), name: body.name, size: body.size, dataCenter: body.dataCenter, type: tier };
    mkdirSync(this.directory(volume.id), { recursive: true });
    this.#saved.volumes.push(volume);
    this.#save();
    this.#meter(volume);
    return volume;
  }

  #meter(volume: Volume): void {
    const kind = volume.type === 'STANDARD' ? 'standard' : 'highPerformance';
    this.#ledger.open(kind, volume.id, hourlyPrice(volume));
  }

  update(id: string, body: z.infer<typeof updateVolume>): Volume {
    const volume = this.get(id);
    if (body.size !== undefined && body.size < volume.size) {
      throw new Problem(400, `New size must be greater than or equal to the current size (${String(volume.size)} GB)`);
    }
    const grown = body.size !== undefined && body.size > volume.size;
    volume.name = body.name ?? volume.name;
    volume.size = body.size ?? volume.size;
    this.#save();
    if (grown) this.#meter(volume);
    return volume;
  }

  /** Deletes a volume and its files; refused while pods have it attached. */
  async delete(id: string, attachedTo: string[]): Promise<void> {
    const volume = this.get(id);
    if (attachedTo.length > 0) {
      throw new Problem(
        409,
        `Network volume "${id}" is in use by pods: ${attachedTo.join(', ')}. Terminate them first.`,
      );
    }
    this.#saved.volumes.splice(this.#saved.volumes.indexOf(volume), 1);
    this.#save();
    this.#ledger.close(id);
    await rm(this.directory(id), { recursive: true, force: true });
  }
}
