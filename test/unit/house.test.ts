import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..', '..');
const core = path.join(root, 'src', 'core');
const page = readFileSync(path.join(root, 'docs', 'architecture.md'), 'utf8');
const rooms = JSON.parse(readFileSync(path.join(core, 'rooms.json'), 'utf8')) as string[];

/** Every TypeScript file below a folder, relative to it, with `/`. */
function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll(path.sep, '/'))
    .filter((name) => name.endsWith('.ts'));
}

/** The room of a file, given relative to `src/core`: the longest name in the list that it lies below. */
function roomOf(file: string): string | undefined {
  return rooms
    .filter((room) => file === room || file.startsWith(`${room}/`))
    .toSorted((a, b) => b.length - a.length)
    .at(0);
}

/** Imports between files of `src/core`, by what the text says. */
function imports(): { from: string; to: string }[] {
  return sources(core).flatMap((from) =>
    [...readFileSync(path.join(core, from), 'utf8').matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.{1,2}\/[^']+\.ts)'/g)]
      .map((match) => path.posix.join(path.posix.dirname(from), match[1] ?? ''))
      .filter((to) => !to.startsWith('..'))
      .map((to) => ({ from, to })),
  );
}

describe('the house (docs/architecture.md)', () => {
  const picture = [...page.matchAll(/^\| (\w+) +\| (`[^|]+`) +\|/gm)].map((row) => ({
    floor: row[1] ?? '',
    rooms: [...(row[2] ?? '').matchAll(/`([^`]+)`/g)].map((room) => room[1] ?? ''),
  }));

  it('has every folder of src/core as a room, and no room without files', () => {
    const files = sources(core);
    assert.deepEqual(
      files.filter((file) => roomOf(file) === undefined),
      [],
    );
    assert.deepEqual(
      rooms.filter((room) => !files.some((file) => roomOf(file) === room)),
      [],
    );
  });

  it('has every folder of src/features in the order that lint keeps', () => {
    const features = path.join(root, 'src', 'features');
    const listed = JSON.parse(readFileSync(path.join(features, 'rooms.json'), 'utf8')) as string[];
    const there = sources(features).map((file) => (file.includes('/') ? path.posix.dirname(file) : file));
    assert.deepEqual([...new Set(there)].toSorted(), listed.toSorted());
  });

  it('fits on two printed pages', () => {
    // At this size it was printed on two pages of A4 in letters of 8.6 pt.
    assert.ok(page.replaceAll(/ {2,}|-{4,}/g, ' ').length < 13_000, `${page.length} characters`);
  });

  it('shows the rooms in the order that lint keeps', () => {
    assert.deepEqual(picture.flatMap((row) => row.rooms).toReversed(), rooms);
  });

  it('shows no room above one that imports it', () => {
    const floor = new Map(picture.flatMap((row, index) => row.rooms.map((room) => [room, index] as const)));
    const found = imports();
    assert.ok(found.length > 1000, `${found.length} imports`);
    const up = found.filter(({ from, to }) => {
      const [above, below] = [floor.get(roomOf(from) ?? ''), floor.get(roomOf(to) ?? '')];
      return above === undefined || below === undefined || below < above;
    });
    assert.deepEqual(up, []);
  });

  it('lets guards change nothing but through pods', () => {
    const doing = ['transport', 'volumes', 'jobs', 'costs'];
    assert.deepEqual(
      imports().filter(({ from, to }) => from.startsWith('guards/') && doing.includes(to.split('/')[0] ?? '')),
      [],
    );
  });

  it('asks RunPod for a pod in one place, which gives it what ends it (R4.3)', () => {
    const asks = sources(path.join(root, 'src')).filter((file) =>
      /\bpods\s*\.create\b/.test(readFileSync(path.join(root, 'src', file), 'utf8')),
    );
    assert.deepEqual(asks, ['core/pods/rent.ts']);
  });

  it('names only files and folders that are there', () => {
    const [flow = ''] = /```[\s\S]*?```/.exec(page) ?? [];
    const files = [...flow.matchAll(/\b(?:jobs|pods|journal)\/[a-z-]+/g)].map(([name]) =>
      path.join(core, `${name}.ts`),
    );
    const folders = [...page.matchAll(/`([a-z-]+(?:\/[a-z-]+)*\/)`/g)].map((match) => path.join(root, match[1] ?? ''));
    assert.ok(files.length >= 5 && folders.length >= 8, `${files.length} files, ${folders.length} folders`);
    assert.deepEqual(
      [...files, ...folders].filter((name) => !existsSync(name)),
      [],
    );
    assert.ok(folders.every((folder) => statSync(folder).isDirectory()));
  });
});
