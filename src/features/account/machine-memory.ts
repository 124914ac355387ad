import { knownMachine, machineId } from '../../core/home/machine.ts';
import type { Memory } from './account.ts';

/**
 * What is remembered of this machine alone. The editor's own memory is one for all remote hosts, on which the same path
 * is another folder.
 */
export class MachineMemory implements Memory {
  readonly #shared: Memory;
  readonly #home: string;

  constructor(shared: Memory, home: string) {
    this.#shared = shared;
    this.#home = home;
  }

  /** Reading makes no home: without one nothing was remembered of this machine. */
  get(key: string): unknown {
    const machine = knownMachine(this.#home);
    return machine === undefined ? undefined : this.#shared.get(`${key}@${machine}`);
  }

  update(key: string, value: unknown): Thenable<void> {
    return this.#shared.update(`${key}@${machineId(this.#home)}`, value);
  }
}
