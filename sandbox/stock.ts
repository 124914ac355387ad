import { cpus, gpus, type Availability } from './data/catalog.ts';
import { noInstances } from './problem.ts';

/** Selects stock; an omitted field means any. */
export interface StockFilter {
  gpu?: string;
  cpu?: string;
  dataCenter?: string;
}

interface Refusal extends StockFilter {
  times: number;
}

const levels: Availability[] = ['NONE', 'LOW', 'MEDIUM', 'HIGH'];

/** The stock that the catalog shows and placement obeys; tests change it. */
export class Stock {
  readonly #table = new Map<string, Map<string, Availability>>();
  readonly #refusals: Refusal[] = [];
  #startRefused = false;

  constructor() {
    for (const seed of [...gpus, ...cpus]) this.#table.set(seed.id, new Map(Object.entries(seed.stock)));
  }

  /** Sets the level of everything that the filter selects; a data center that never offered the type is added when both are named. */
  set(filter: StockFilter, level: Availability): void {
    for (const [id, row] of this.#table) {
      const isCpu = cpus.some((cpu) => cpu.id === id);
      if (filter.gpu !== undefined && filter.gpu !== id) continue;
      if (filter.cpu !== undefined && filter.cpu !== id) continue;
      if (filter.gpu !== undefined && isCpu) continue;
      const exact = filter.gpu ?? filter.cpu;
      if (filter.dataCenter === undefined) for (const dataCenter of row.keys()) row.set(dataCenter, level);
      else if (row.has(filter.dataCenter) || exact !== undefined) row.set(filter.dataCenter, level);
    }
  }

  /** Makes the next `times` creates that the filter selects fail for capacity while the catalog keeps its levels. */
  refuse(filter: StockFilter, times = Infinity): void {
    this.#refusals.push({ ...filter, times });
  }

  /** Whether a stopped GPU pod finds its host's GPUs taken when it is started. */
  refuseStart(refused: boolean): void {
    this.#startRefused = refused;
  }

  get startRefused(): boolean {
    return this.#startRefused;
  }

  /** Ends all refusals. */
  allow(): void {
    this.#refusals.length = 0;
    this.#startRefused = false;
  }

  /** Level of a type in one data center, or the best of the given ones. */
  level(id: string, among: readonly string[]): Availability {
    const row = this.#table.get(id);
    const best = Math.max(0, ...among.map((dataCenter) => levels.indexOf(row?.get(dataCenter) ?? 'NONE')));
    return levels[best] ?? 'NONE';
  }

  /** Data centers that offer the type at all, also with level NONE. */
  offeredIn(id: string): string[] {
    return [...(this.#table.get(id)?.keys() ?? [])];
  }

  /** Chooses the data center with the most stock among the given ones; refuses as the platform does when there is none. */
  place(kind: 'gpu' | 'cpu', id: string, among: readonly string[]): string {
    const ranked = among
      .filter((dataCenter) => this.level(id, [dataCenter]) !== 'NONE')
      .sort((a, b) => levels.indexOf(this.level(id, [b])) - levels.indexOf(this.level(id, [a])));
    for (const dataCenter of ranked) {
      const refusal = this.#refusals.find(
        (r) =>
          r.times > 0 &&
          (r.gpu === undefined || (kind === 'gpu' && r.gpu === id)) &&
          (r.cpu === undefined || (kind === 'cpu' && r.cpu === id)) &&
          (r.dataCenter === undefined || r.dataCenter === dataCenter),
      );
      if (refusal === undefined) return dataCenter;
      refusal.times -= 1;
    }
    throw noInstances();
  }
}
