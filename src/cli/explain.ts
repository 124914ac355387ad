import { explain, gatherEvidence, unexplained, type Evidence, type Explanation } from '../core/guards/explain/index.ts';
import type { JobRecord } from '../core/journal/records.ts';
import { makeInstallation, type GlobalOptions } from './context.ts';
import { exitCodes } from './exit.ts';
import { onInterrupt } from './interrupt.ts';
import { makeOutput, type Output } from './output.ts';
import { hintOf } from './remedies.ts';
import { printable, wrap } from './style.ts';

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
        ? unexplainedText(record, evidence, output)
        : explanationText(record, explanation, command, output);
    const rest = explanation === undefined && isOver(status) ? unexplained(evidence) : {};
    output.result(
      { type: 'explanation', job: record.job, status, explanation: explanation ?? null, ...rest, command },
      text,
    );
    return exitCodes.succeeded;
  } finally {
    interrupt.stop();
  }
}

/** Whether there is something to explain. */
function isOver(status: Evidence['state']['status']): boolean {
  return status !== 'succeeded' && status !== 'running' && status !== 'starting';
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
  const { what, why, next, remedies, evidence, also, change } = explanation;
  const block = (title: string, text: string): string[] => titled(title, text, width);
  return [
    style.bold(printable(`${record.job}: ${what}`)),
    '',
    ...evidence.flatMap((line, i) => block(i === 0 ? 'Seen' : '', line)),
    ...also.flatMap((line, i) => block(i === 0 ? 'Survived' : '', line)),
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

function titled(title: string, text: string, width: number): string[] {
  return wrap(printable(text), width - 10).map((line, i) => `${(i === 0 ? title : '').padEnd(10)}${line}`);
}

/** What can be said where nothing is recognised: the line that names the error, and the lines before it. */
export function unexplainedText(
  record: Pick<JobRecord, 'job' | 'reason'>,
  evidence: Evidence,
  { style, width = 100 }: Pick<Output, 'style' | 'width'>,
): string {
  const { status } = evidence.state;
  if (!isOver(status)) {
    return `${record.job} ${status === 'succeeded' ? 'succeeded' : 'has not ended'}: there is nothing to explain.`;
  }
  const { error, also } = unexplained(evidence);
  const last = evidence.log.slice(-lastLines).map((line) => `  ${style.dim(cut(printable(line), mostOfLine))}`);
  const said = record.reason === undefined ? '' : ` ${cut(printable(record.reason), mostOfLine)}`;
  return [
    `${record.job} is ${status}.${said} No known cause was recognised.`,
    ...(error === undefined ? [] : titled('Error', error, width)),
    ...also.flatMap((line, i) => titled(i === 0 ? 'Survived' : '', line, width)),
    ...(last.length === 0
      ? []
      : [last.length === 1 ? 'The last line of its step:' : 'The last lines of its step:', ...last]),
  ].join('\n');
}

/** Of a log that nothing is recognised in so much is shown; a line may be a whole file. */
const lastLines = 8;
const mostOfLine = 400;

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
