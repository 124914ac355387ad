import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Played } from './play.ts';
import { kinds, placeOf } from './schedule.ts';

/** One schedule as it was played: a line of a report. */
export interface Line {
  seed: number;
  /** Commit of the tree, with `+` when files were changed. */
  commit: string;
  /** ISO 8601. */
  time: string;
  isolation: string;
  defaultTimings: boolean;
  /** Faults drawn, and those that found something to harm, such as `cut/run`. */
  drawn: string[];
  harmed: string[];
  violations: string[];
  podsAsked: number;
  journalLines: number;
  lostMs: Record<string, number>;
  seconds: number;
  /** All that happened, where something did not hold. */
  trace?: string;
}

/** A file with a line for each schedule that was played, so that a series can be played in parts. */
export class Report {
  readonly file: string;
  readonly lines: Line[];
  readonly #commit: string;

  constructor(file: string, commit: string) {
    this.file = file;
    this.#commit = commit;
    mkdirSync(path.dirname(file), { recursive: true });
    this.lines = existsSync(file)
      ? readFileSync(file, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as Line)
      : [];
  }

  /** Whether this commit has played a schedule. */
  has(seed: number): boolean {
    return this.lines.some((line) => line.seed === seed && line.commit === this.#commit);
  }

  add({ schedule, places, violations, podsAsked, journalLines, lostMs, seconds, trace }: Played): void {
    const line: Line = {
      seed: schedule.seed,
      commit: this.#commit,
      time: new Date().toISOString(),
      isolation: schedule.isolation,
      defaultTimings: schedule.defaultTimings,
      drawn: schedule.faults.map(placeOf),
      harmed: places,
      violations,
      podsAsked,
      journalLines,
      lostMs,
      seconds: Number(seconds.toFixed(1)),
      ...(violations.length > 0 && { trace }),
    };
    this.lines.push(line);
    appendFileSync(this.file, `${JSON.stringify(line)}\n`);
  }
}

const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);

/** What the newest play of each schedule came to, as the tables of docs/reliability.md. */
export function summary(all: readonly Line[]): string {
  const lines = [...new Map(all.map((line) => [line.seed, line])).values()].sort((a, b) => a.seed - b.seed);
  const failed = lines.filter((line) => line.violations.length > 0);
  const lost: Record<string, number> = {};
  for (const [kind, ms] of lines.flatMap((line) => Object.entries(line.lostMs)))
    lost[kind] = Math.max(lost[kind] ?? 0, ms);
  const isolation = (name: string): number => lines.filter((line) => line.isolation === name).length;
  const rows: [string, string | number][] = [
    ['seeds', ranges(lines.map((line) => line.seed))],
    ['commit', [...new Set(lines.map((line) => line.commit))].join(', ')],
    ['date', [...new Set(lines.map((line) => line.time.slice(0, 10)))].join(', ')],
    ['schedules played', lines.length],
    ['of them with the default timings of ending, closing and stall', lines.filter((l) => l.defaultTimings).length],
    ['in namespaces, in plain process trees', `${isolation('namespace')}, ${isolation('plain')}`],
    ['schedules in which something did not hold', failed.length],
    [
      'faults drawn, of them with something to harm',
      `${sum(lines.map((l) => l.drawn.length))}, ${sum(lines.map((l) => l.harmed.length))}`,
    ],
    ['pods, lines of journals', `${sum(lines.map((l) => l.podsAsked))}, ${sum(lines.map((l) => l.journalLines))}`],
    [
      'longest time before a death of which printed lines are missing',
      Object.entries(lost)
        .map(([kind, ms]) => `${kind} ${ms} ms`)
        .join(', ') || 'none',
    ],
    ['time of all schedules together', `${(sum(lines.map((l) => l.seconds)) / 60).toFixed(0)} min`],
  ];
  const of = (places: string[][], kind: string): number =>
    places.flat().filter((place) => place.split('/')[0]?.split('+').includes(kind)).length;
  const faults = kinds.map((kind): [string, string | number] => [
    kind,
    `${of(
      lines.map((l) => l.drawn),
      kind,
    )} | ${of(
      lines.map((l) => l.harmed),
      kind,
    )}`,
  ]);
  return [
    ...rows.map(([name, value], i) => `| ${name} | ${value} |${i === 0 ? '\n| --- | --- |' : ''}`),
    '',
    '| fault | drawn | with something to harm |',
    '| --- | --- | --- |',
    ...faults.map(([kind, counts]) => `| ${kind} | ${counts} |`),
    ...failed.map(({ seed, violations }) => `\nseed ${seed}: ${violations.join('; ')}`),
  ].join('\n');
}

/** 1, 2, 3, 7 as `1 to 3, 7`. */
function ranges(seeds: readonly number[]): string {
  const found: [number, number][] = [];
  for (const seed of seeds) {
    const last = found.at(-1);
    if (last !== undefined && seed === last[1] + 1) last[1] = seed;
    else found.push([seed, seed]);
  }
  return found.map(([from, to]) => (from === to ? `${from}` : `${from} to ${to}`)).join(', ');
}
