import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { RunEvent } from '../../../../src/core/journal/run-event.ts';
import type { Volume } from '../../../../src/core/runpod/schemas.ts';
import {
  planMove,
  runMove,
  type MoveOptions,
  type MoveRequest,
  type MoveResult,
} from '../../../../src/core/volumes/move/move.ts';
import { Account } from '../../../support/account.ts';

/** The data center that volumes are moved to; theirs is another one. */
export const there = 'EU-RO-1';

/** An account with volumes to move, and pods whose image a test may change. */
export class MoveStage {
  readonly account: Account;
  /** A folder for the test, gone after `close`. */
  readonly folder: string;
  readonly #image: string;

  private constructor(account: Account, folder: string, image: string) {
    this.account = account;
    this.folder = folder;
    this.#image = image;
  }

  static async open(): Promise<MoveStage> {
    const folder = mkdtempSync(path.join(tmpdir(), 'runpod-trainer-move-'));
    const image = path.join(folder, 'bin');
    mkdirSync(image);
    return new MoveStage(await Account.open({ imagePath: image }), folder, image);
  }

  /** Takes the programs away that a test wrote, and checks that it left no pod. */
  async settled(): Promise<void> {
    for (const name of readdirSync(this.#image)) rmSync(path.join(this.#image, name));
    assert.deepEqual(await this.account.pods(), []);
  }

  async close(): Promise<void> {
    await this.account.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  directory(volume: { id: string }): string {
    return this.account.sandbox.volumeDirectory(volume.id);
  }

  /** A volume with a project, its records, a job, and everything that a copy could lose. */
  async filled(name: string, largeBytes = 20_000_000): Promise<Volume> {
    const volume = await this.account.volume(name);
    const root = this.directory(volume);
    const project = path.join(root, 'projects', 'rainbow');
    mkdirSync(path.join(project, '.runpod-trainer', 'steps'), { recursive: true });
    mkdirSync(path.join(project, '.runpod-trainer', 'incoming'));
    mkdirSync(path.join(project, 'empty folder'));
    mkdirSync(path.join(root, '.runpod-trainer', 'jobs', 'rainbow-20261122-093012-k3f9'), { recursive: true });
    writeFileSync(path.join(project, '.runpod-trainer', 'files.json'), '{"schema":1,"files":{}}');
    writeFileSync(path.join(project, '.runpod-trainer', 'steps', 'one.json'), '{"fingerprint":"1"}');
    for (const name of ['hashes.json', 'worker-hashes.json']) {
      writeFileSync(path.join(project, '.runpod-trainer', name), '{"schema":1,"files":{}}');
    }
    writeFileSync(path.join(project, '.runpod-trainer', 'incoming', 'half'), 'half');
    writeFileSync(path.join(root, '.runpod-trainer', 'jobs', 'rainbow-20261122-093012-k3f9', 'events.jsonl'), '{}\n');
    writeFileSync(path.join(project, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 });
    writeFileSync(path.join(project, 'secret'), 'of the owner', { mode: 0o600 });
    writeFileSync(path.join(project, 'line\nbreak "quoted" ünï.txt'), 'names');
    writeFileSync(path.join(project, 'zero'), '');
    writeFileSync(path.join(project, 'large.bin'), randomBytes(largeBytes));
    writeFileSync(path.join(project, 'copy.sh'), '#!/bin/sh\n');
    for (let i = 0; i < 200; i += 1) writeFileSync(path.join(project, `f${i}.txt`), `file ${i} of ${name}`);
    symlinkSync('run.sh', path.join(project, 'link'));
    symlinkSync('/etc/hostname', path.join(project, 'outside'));
    utimesSync(path.join(project, 'run.sh'), 1_700_000_000, 1_700_000_000);
    return volume;
  }

  /** Every name below a volume with what a copy must keep. */
  treeOf(volume: { id: string }): string[] {
    const root = this.directory(volume);
    const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
      (name) =>
        !/^\.runpod-trainer(\/(gateways|moves|pods|worker).*)?$/.test(name) &&
        !/\.runpod-trainer\/(incoming|(worker-)?hashes\.json|files\.lock)/.test(name),
    );
    return names.toSorted().map((name) => {
      const place = path.join(root, name);
      const stats = lstatSync(place);
      if (stats.isSymbolicLink()) return `${name} -> ${readlinkSync(place)}`;
      if (stats.isDirectory()) return `${name}/ ${stats.mode & 0o777}`;
      const sha256 = createHash('sha256').update(readFileSync(place)).digest('hex');
      return `${name} ${stats.mode & 0o777} ${stats.mtimeMs} ${sha256}`;
    });
  }

  /** Moves, and answers what was told meanwhile. */
  async move(
    request: MoveRequest,
    options: Partial<MoveOptions> = {},
  ): Promise<{ result: MoveResult; events: RunEvent[]; target: { id: string } }> {
    const events: RunEvent[] = [];
    const plan = await planMove(this.account.installation, request);
    const result = await runMove(this.account.installation, plan, {
      confirm: () => Promise.resolve(true),
      ...options,
      onEvent: (event) => {
        events.push(event);
        options.onEvent?.(event);
      },
    });
    assert.ok(result);
    return { result, events, target: result.target };
  }

  /** A program of the pods' image in place of the machine's. */
  script(name: string, text: string): void {
    const file = path.join(this.#image, name);
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
  }
}
