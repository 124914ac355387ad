import { checkTitles, examine, type Check, type Subject } from '../core/guards/doctor/index.ts';
import type { Installation } from '../core/home/installation.ts';
import { makeInstallation, type GlobalOptions } from './context.ts';
import { exitCodes } from './exit.ts';
import { onInterrupt } from './interrupt.ts';
import { makeOutput, type Output } from './output.ts';
import { pad, printable, wrap, type Style } from './style.ts';

export interface DoctorOptions extends GlobalOptions {
  json?: boolean;
}

/** Checks the way to a pod, one line a check. 0 only when none failed. */
export async function doctorCommand(name: string | undefined, options: DoctorOptions): Promise<number> {
  const installation = await makeInstallation(options);
  const output = makeOutput(options);
  const interrupt = onInterrupt();
  const checks: Check[] = [];
  try {
    const subject = await subjectOf(installation, name);
    for await (const check of examine({ installation, subject, signal: interrupt.signal })) {
      checks.push(check);
      // The sentence had another name once, and fields are only ever added.
      output.result({ type: 'check', ...check, remedy: check.next }, checkText(check, output));
    }
  } finally {
    interrupt.stop();
  }
  const failed = checks.filter((c) => c.status === 'failed').map((c) => c.id);
  output.result(
    { type: 'result', failed },
    failed.length === 0
      ? '\nNothing is wrong.'
      : `\n${failed.length === 1 ? 'One check' : `${failed.length} checks`} failed.`,
  );
  return failed.length === 0 ? exitCodes.succeeded : exitCodes.failed;
}

/** A job of this machine by its name, else a pod by its id or name; without a name the newest job that had a pod. */
async function subjectOf({ records }: Installation, name: string | undefined): Promise<Subject | undefined> {
  const all = await records.list();
  if (name === undefined) {
    const record = all.find((r) => r.pod !== undefined);
    return record === undefined ? undefined : { record };
  }
  const hits = all.filter((r) => r.job === name || r.job.startsWith(name) || r.job.endsWith(name));
  return hits.length === 0 || all.some((r) => r.pod?.id === name)
    ? { pod: name }
    : { record: await records.find(name) };
}

const titleWidth = Math.max(...checkTitles.map((t) => t.length));
const timeWidth = '99999 ms'.length;

function checkText(check: Check, { style, width = 100, hints }: Output): string {
  const indent = ' '.repeat(2 + titleWidth + 2 + timeWidth + 2);
  const room = Math.max(30, width - indent.length);
  const time = check.status === 'skipped' ? '' : `${check.ms} ms`;
  const [first = '', ...rest] = wrap(printable(check.seen), room);
  const next = check.next === undefined ? [] : wrap(printable(check.next), room);
  const commands = hints(check.remedies ?? []).map(printable);
  const head = `${mark(check, style)} ${pad(check.title, titleWidth)}  ${time.padStart(timeWidth)}  ${first}`;
  return [
    head.trimEnd(),
    ...rest.map((l) => indent + l),
    ...next.map((l) => indent + style.dim(l)),
    ...commands.map((l) => indent + l),
  ].join('\n');
}

function mark({ status }: Check, style: Style): string {
  return {
    ok: style.green('✓'),
    failed: style.red('✗'),
    skipped: style.dim('·'),
    unknown: style.yellow('?'),
  }[status];
}
