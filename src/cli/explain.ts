import { explain, gatherEvidence, type Explanation } from '../core/guards/explain/index.ts';
import type { JobRecord } from '../core/journal/records.ts';
import { makeInstallation, type GlobalOptions } from './context.ts';
import { exitCodes } from './exit.ts';
import { onInterrupt } from './interrupt.ts';
import { makeOutput, type Output } from './output.ts';
import { hintOf } from './remedies.ts';
import { printable, wrap, type Style } from './style.ts';

export interface ExplainOptions extends GlobalOptions {
  json?: boolean;
}

/** Why a job failed, with what shows it, what to change and how to go on; the newest job without a name. */
export async function explainCommand(name: string | undefined, options: ExplainOptions): Promise<number> {
  const installation = await makeInstallation(options);
  const record = await installation.records.find(name);
  const output = makeOutput(options);
  const interrupt = onInterrupt();
  try {
    const evidence = await gatherEvidence(installation, record, interrupt.signal);
    const explanation = explain(evidence);
    const command = explanation?.resume ? resumeCommand(record, explanation.resume.from, options) : undefined;
    const { status } = evidence.state;
    const text =
      explanation === undefined
        ? unexplained(record, status, evidence.log, output.style)
        : explanationText(record, explanation, command, output);
    output.result({ type: 'explanation', job: record.job, status, explanation: explanation ?? null, command }, text);
    return exitCodes.succeeded;
  } finally {
    interrupt.stop();
  }
}

/** The command that goes on where the job stopped. */
export function resumeCommand(
  { file, profile }: Pick<JobRecord, 'file' | 'profile'>,
  step: string,
  { sandbox }: Pick<ExplainOptions, 'sandbox'>,
): string {
  const remedy = { do: 'run' as const, file, ...(profile !== undefined && { profile }), from: step };
  return hintOf(remedy, { argv: [], sandbox }).line;
}

/** For people; whatever a pod said is made harmless first. */
export function explanationText(
  record: Pick<JobRecord, 'job' | 'file'>,
  explanation: Explanation,
  command: string | undefined,
  { style, width = 100, hints }: Pick<Output, 'style' | 'width' | 'hints'>,
): string {
  const { what, why, next, remedies, evidence, change } = explanation;
  const block = (title: string, text: string): string[] =>
    wrap(printable(text), width - 10).map((line, i) => `${(i === 0 ? title : '').padEnd(10)}${line}`);
  return [
    style.bold(printable(`${record.job}: ${what}`)),
    '',
    ...evidence.flatMap((line, i) => block(i === 0 ? 'Seen' : '', line)),
    ...block('Why', why),
    ...block('Do', next),
    ...hints(remedies ?? []).map((line) => `        ${printable(line)}`),
    ...(change?.path ? block('Change', changeText(change.path, change.from, change.to, record.file)) : []),
    ...(command === undefined ? [] : ['', 'Go on with:', `  ${printable(command)}`]),
  ].join('\n');
}

function changeText(path: readonly (string | number)[], from: unknown, to: unknown, file: string): string {
  const place = path.map((p) => (typeof p === 'number' ? `[${p}]` : `.${p}`)).join('');
  return `${place.replace(/^\./, '')} in ${file}: ${JSON.stringify(from)} → ${JSON.stringify(to)}`;
}

function unexplained(record: JobRecord, status: string, log: readonly string[], style: Style): string {
  if (status === 'succeeded' || status === 'running' || status === 'starting') {
    return `${record.job} ${status === 'succeeded' ? 'succeeded' : 'has not ended'}: there is nothing to explain.`;
  }
  const last = log.slice(-8).map((line) => `  ${style.dim(printable(line))}`);
  const said = record.reason === undefined ? '' : ` ${printable(record.reason)}`;
  return [
    `${record.job} is ${status}.${said} No known cause was recognised.`,
    ...(last.length === 0 ? [] : ['The last lines of its step:', ...last]),
  ].join('\n');
}
