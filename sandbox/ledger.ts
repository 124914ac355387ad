import type { Clock } from './clock.ts';
import { readJson, writeJson } from './store.ts';

/** What is metered: compute of a pod or of an endpoint's standing workers, or a volume's allocated size by tier. */
export type MeterKind = 'gpu' | 'cpu' | 'serverlessGpu' | 'serverlessCpu' | 'standard' | 'highPerformance';

/** Whether it is for a volume, which is kept and paid for on when the sandbox ends. */
export function isStorage(kind: MeterKind): boolean {
  return kind === 'standard' || kind === 'highPerformance';
}

/** A stretch of time billed at one rate. Times in ms since the epoch, rate in USD per hour. */
export interface Charge {
  kind: MeterKind;
  resource: string;
  start: number;
  end: number;
  rate: number;
}

interface OpenMeter {
  kind: MeterKind;
  resource: string;
  since: number;
  rate: number;
}

interface Saved {
  deposited: number;
  seen: number;
  charges: Charge[];
  open: OpenMeter[];
}

const hour = 3_600_000;

/** USD of a charge. */
export function amount(charge: Charge): number {
  return (charge.rate * (charge.end - charge.start)) / hour;
}

/** Compute is metered per second and volumes per started hour; every change is on disk before it is answered. */
export class Ledger {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #saved: Saved;

  /** Opens the ledger; meters that a killed sandbox left running are closed at the time it was last seen. */
  constructor(file: string, clock: Clock, deposit: number) {
    this.#file = file;
    this.#clock = clock;
    const saved = readJson(file) as Saved | undefined;
    this.#saved = saved ?? { deposited: deposit, seen: clock.now(), charges: [], open: [] };
    for (const meter of this.#saved.open.filter((one) => !isStorage(one.kind))) {
      this.#close(meter, this.#saved.seen);
    }
    this.save();
  }

  /** Starts charging a resource; a running meter of it is closed first. */
  open(kind: MeterKind, resource: string, rate: number): void {
    this.close(resource);
    this.#saved.open.push({ kind, resource, since: this.#clock.now(), rate });
    this.save();
  }

  /** Stops charging a resource; without a running meter nothing happens. */
  close(resource: string): void {
    for (const meter of this.#saved.open.filter((one) => one.resource === resource))
      this.#close(meter, this.#clock.now());
    this.save();
  }

  #close(meter: OpenMeter, end: number): void {
    this.#saved.open.splice(this.#saved.open.indexOf(meter), 1);
    this.#saved.charges.push(this.#charge(meter, Math.max(end, meter.since)));
  }

  #charge(meter: OpenMeter, end: number): Charge {
    const unit = isStorage(meter.kind) ? hour : 1000;
    const length = Math.ceil((end - meter.since) / unit) * unit;
    return {
      kind: meter.kind,
      resource: meter.resource,
      start: meter.since,
      end: meter.since + length,
      rate: meter.rate,
    };
  }

  /** Writes the ledger with the current time, so that a kill loses at most the time since the last call. */
  save(): void {
    this.#saved.seen = this.#clock.now();
    writeJson(this.#file, this.#saved);
  }

  /** Closed charges, and those of running meters up to now. */
  charges(): { closed: Charge[]; running: Charge[] } {
    return {
      closed: [...this.#saved.charges],
      running: this.#saved.open.map((meter) => this.#charge(meter, this.#clock.now())),
    };
  }

  /** USD left. */
  balance(): number {
    const { closed, running } = this.charges();
    return this.#saved.deposited - [...closed, ...running].reduce((sum, charge) => sum + amount(charge), 0);
  }

  /** USD per hour of all running meters. */
  spendPerHour(): number {
    return this.#saved.open.reduce((sum, meter) => sum + meter.rate, 0);
  }

  /** Sets the balance by a deposit, or a withdrawal. */
  setBalance(usd: number): void {
    this.#saved.deposited += usd - this.balance();
    this.save();
  }
}
