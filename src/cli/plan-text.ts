import { byteText, count, roughly } from '../core/words/index.ts';
import type { Ghost, TransferPlan } from '../core/volumes/plan/index.ts';
import { columns, printable, wrap, type Style } from './style.ts';
import { fit } from './width.ts';

export interface PlanTextOptions {
  /** Columns of the terminal; undefined where there is none. */
  width: number | undefined;
  /** Every path, not only the first of each list. */
  all: boolean;
}

const shown = 12;
const label = 11;

/** A plan for people: the table of what goes, then what is decided about it. */
export function planText(plan: TransferPlan, style: Style, { width = 100, all }: PlanTextOptions): string {
  const line = (head: string, text: string): string[] => {
    const [first = '', ...rest] = wrap(printable(text), Math.max(30, width - label));
    return [`${head.padEnd(label)}${first}`, ...rest.map((more) => ' '.repeat(label) + more)];
  };
  const list = (items: string[]): string[] => {
    const few = all ? items : items.slice(0, shown);
    const more = items.length - few.length;
    return [...few, ...(more > 0 ? [style.dim(`  … ${more} more (--all shows them)`)] : [])];
  };
  const room = Math.max(20, width - 34);
  const name = (path: string): string => (all ? printable(path) : fit(printable(path), room));
  const { volume, route, time, totals } = plan;
  const where = [volume.dataCenter, volume.id].filter((part) => part !== null);
  return [
    ...line('Project', plan.project),
    ...line('Volume', `${volume.name}${where.length === 0 ? '' : ` (${where.join(', ')})`}`),
    ...line('Compared', comparedText(plan)),
    ...line('Sends', `${count(totals.files, 'file')}, ${byteText(totals.bytes)}; ${unchangedText(plan)}`),
    ...section(style.bold('Files'), list(fileRows(plan, style, name))),
    ...section(
      style.red('Changed on both sides (not sent unless you say so)'),
      list(
        plan.conflicts.map(
          ({ path, here, there, why }) =>
            `  ${name(path)}  here ${byteText(here.size)}, there ${byteText(there.size)}  ${style.dim(printable(why))}`,
        ),
      ),
    ),
    ...section(style.yellow('Deletes on the volume'), list(plan.deletes.map((path) => `  ${name(path)}`))),
    ...section(
      style.yellow('On the volume, and not part of this run any more'),
      list(
        plan.ghosts.map((ghost) => `  ${name(ghost.path)}  ${byteText(ghost.size)}  ${style.dim(ghostText(ghost))}`),
      ),
    ),
    ...section(
      style.bold('Archives'),
      list(plan.archives.map(({ to, files, bytes }) => `  ${name(to)}  ${count(files, 'file')} in ${byteText(bytes)}`)),
    ),
    ...section(style.bold('Left out'), list(plan.ignored.map((group) => ignoredRow(group, style, name)))),
    ...section(
      style.red('Secrets that would leave this machine (sync.allowSecrets lists files that may)'),
      list(
        plan.secrets.map(
          ({ path, line: at, kind }) => `  ${name(path)}${at === null ? '' : `:${at}`}  ${style.dim(kind)}`,
        ),
      ),
    ),
    ...section(
      style.red('Missing'),
      list(
        plan.missing.map(
          ({ list: from, pattern, madeBy }) =>
            `  ${name(pattern)}  ${style.dim(madeBy === null ? `sync.${from}` : `made by the local step ${madeBy}`)}`,
        ),
      ),
    ),
    ...(plan.notes.length === 0 ? [] : ['']),
    ...list(plan.notes.flatMap((note) => line('Note', note))),
    '',
    ...line('Route', `${routeName[route.kind]}. ${route.reason}`),
    ...line('', route.price),
    ...route.alternatives.flatMap((other) =>
      line('', `${other.available ? 'Or' : 'Not'} ${other.kind}: ${other.reason}`).map(style.dim),
    ),
    ...line('Time', `${timeText(time.lowSeconds, time.highSeconds)}. ${time.basis}`),
    ...(plan.wasteAvoided.bytes === 0
      ? []
      : line(
          'Saves',
          `about ${byteText(plan.wasteAvoided.bytes)} on the volume by archives (an estimate). ${plan.wasteAvoided.basis}`,
        )),
  ].join('\n');
}

function ghostText({ then, why }: Ghost): string {
  return {
    'set-aside': `a job sets it aside there (${why})`,
    ask: `data (${why}): a job stops until you say whether it is removed or kept there`,
    keep: `stays there: ${why}`,
  }[then];
}

const routeName = { s3: 'S3', ssh: 'SSH', gateway: 'Gateway pod' };

function comparedText({ comparedWith: { kind, at } }: TransferPlan): string {
  const time = at === null ? '' : new Date(at).toLocaleString();
  return {
    volume: `with the volume, asked at ${time}`,
    'last-known': `with what this machine remembers of ${time}; what is there already is not sent again`,
    nothing: 'with nothing: nobody has asked the volume yet; what is there already is not sent again',
  }[kind];
}

function unchangedText({ unchanged }: TransferPlan): string {
  return unchanged.files === 0
    ? 'nothing is known to be there already'
    : `${count(unchanged.files, 'file')} (${byteText(unchanged.bytes)}) there already`;
}

function fileRows(plan: TransferPlan, style: Style, name: (path: string) => string): string[] {
  const color = { new: style.green, changed: style.yellow, unknown: style.dim };
  const text = { new: 'new', changed: 'replaces', unknown: 'sends' };
  return columns(
    plan.send.map(({ path, size, why, list }) => [
      `  ${color[why](text[why])}`,
      byteText(size),
      name(path),
      style.dim(list),
    ]),
  );
}

function ignoredRow(
  { rule, from, line, files, folders, examples }: TransferPlan['ignored'][number],
  style: Style,
  name: (path: string) => string,
): string {
  const source = { always: 'always left out', project: 'sync.never' }[from] ?? `${printable(from)}:${line ?? 0}`;
  const what = [folders > 0 ? [count(folders, 'folder')] : [], files > 0 ? [count(files, 'file')] : []].flat();
  return `  ${name(rule)}  ${what.join(', ')}  ${style.dim(`${source}; ${name(examples[0] ?? '')}`)}`;
}

function section(title: string, rows: string[]): string[] {
  return rows.length === 0 ? [] : ['', title, ...rows];
}

function timeText(low: number, high: number): string {
  const [from, to] = [roughly(low), roughly(high)];
  return high === 0 ? 'none' : from === to ? `about ${to}` : `${from} to ${to}`;
}
