import type { GateResult, JobEvent } from '../../core/journal/events.ts';
import { JobJournals, viewWithPlan, viewWithRecord } from '../../core/journal/job-journals.ts';
import type { JobRecord, JobRecords } from '../../core/journal/records.ts';
import type { JobView } from '../../core/journal/view.ts';
import { StepLog } from './log-store.ts';
import { StepMetrics } from './metric-store.ts';

/** What is told in pieces of one step; the empty name is the job as a whole. */
export interface StepData {
  log: StepLog;
  metrics: StepMetrics;
  argv: string[];
  gates: GateResult[];
  started: number | undefined;
}

/** A job as it lies on this machine: its record and its journals. Every window that reads them sees the same. */
export class JobModel {
  readonly job: string;
  readonly #records: JobRecords;
  readonly #steps = new Map<string, StepData>();
  #journals: JobJournals | undefined;
  #record: JobRecord | undefined;
  /** Grows when what was read is read again from the beginning, so that a reader forgets what it was told. */
  generation = 0;

  constructor(records: JobRecords, job: string) {
    this.#records = records;
    this.job = job;
  }

  get record(): JobRecord | undefined {
    return this.#record;
  }

  get heard(): Date | undefined {
    return this.#journals?.heard;
  }

  /** How the job stands; undefined when this machine does not know it. */
  get view(): JobView | undefined {
    const record = this.#record;
    return record && this.#journals && viewWithPlan(record, viewWithRecord(record, this.#journals.view));
  }

  step(name: string): StepData {
    const known = this.#steps.get(name);
    if (known !== undefined) {
      return known;
    }
    const fresh = { log: new StepLog(), metrics: new StepMetrics(), argv: [], gates: [], started: undefined };
    this.#steps.set(name, fresh);
    return fresh;
  }

  /** Reads what is new. */
  async refresh(): Promise<void> {
    const record = await this.#records.get(this.job);
    this.#record = record ?? this.#record;
    if (this.#record === undefined) {
      return;
    }
    this.#journals ??= new JobJournals(this.#records, this.#record, {
      event: (event, side) => this.#take(event, side),
      restart: () => {
        this.#steps.clear();
        this.generation++;
      },
    });
    await this.#journals.read();
  }

  #take(event: JobEvent, side: 'local' | 'pod'): void {
    switch (event.type) {
      case 'step.started': {
        const step = this.step(event.step);
        step.argv = event.argv;
        step.gates = [];
        step.started = Date.parse(event.time);
        break;
      }
      case 'log':
        this.step(event.step ?? '').log.add(event.lines, event.stream === 'err');
        break;
      case 'metric': {
        const step = this.step(event.step);
        step.metrics.add(event.values, (Date.parse(event.time) - (step.started ?? Date.parse(event.time))) / 1000);
        break;
      }
      case 'gate':
        this.step(event.step).gates.push(event.gate);
        break;
      case 'step.local':
      case 'step.skipped':
        // The pod's journal repeats what the local one has said already, unless that one is gone.
        if (side === 'local' || this.step(event.step).gates.length === 0) {
          this.step(event.step).gates = event.gates;
        }
        break;
      case 'note':
        this.step('').log.add([event.text], event.level !== 'info');
        break;
      case 'job.started':
      case 'watchdog':
      case 'cell':
      case 'step.finished':
      case 'job.finished':
        break;
    }
  }
}
