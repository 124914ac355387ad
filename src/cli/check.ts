import { basename } from 'node:path';
import { preflight, type Finding, type PreflightReport, type Severity } from '../core/guards/preflight/index.ts';
import { loadProject, type LoadedProject } from '../core/project/load.ts';
import { placeOf, position } from '../core/project/parse.ts';
import { makeInstallation, type GlobalOptions, ownVariable } from './context.ts';
import { exitCodes } from './exit.ts';
import { onInterrupt } from './interrupt.ts';
import { makeOutput, type Output } from './output.ts';
import { onlyProjectFile } from './project-file.ts';
import { count, duration } from '../core/words/index.ts';
import { printable, wrap, type Style } from './style.ts';

export interface CheckCommandOptions extends GlobalOptions {
  profile?: string;
  json?: boolean;
}

/** Looks at everything that can be looked at before money is spent, and says what it found. 0 without errors. */
export async function checkCommand(file: string | undefined, options: CheckCommandOptions): Promise<number> {
  const installation = await makeInstallation(options);
  const loaded = await loadProject(file ?? (await onlyProjectFile('.', 'check')));
  const output = makeOutput(options);
  const interrupt = onInterrupt();
  try {
    const report = await preflight(installation, loaded, {
      profile: options.profile,
      secret: ownVariable,
      signal: interrupt.signal,
    });
    for (const check of report.checks) {
      if (output.json) {
        output.result({ type: 'check', ...check }, '');
      }
    }
    output.result({ type: 'result', findings: report.findings, ms: report.ms }, reportText(report, loaded, output));
    return report.findings.some((f) => f.severity === 'error') ? exitCodes.failed : exitCodes.succeeded;
  } finally {
    interrupt.stop();
  }
}

const headings: Record<Severity, string> = { error: 'Errors', warning: 'Warnings', info: 'Good to know' };

/** Findings in groups, errors first, then what could not be found out, then one line that sums up. */
export function reportText(
  report: PreflightReport,
  loaded: LoadedProject,
  { style, width = 100, hints }: Pick<Output, 'style' | 'width' | 'hints'>,
): string {
  const lines: string[] = [];
  for (const severity of ['error', 'warning', 'info'] as const) {
    const group = report.findings.filter((f) => f.severity === severity);
    if (group.length > 0) {
      lines.push(style.bold(headings[severity]));
      lines.push(
        ...group.flatMap((f) => [
          ...findingLines(f, loaded, style, width),
          ...hints(f.remedies ?? []).map((line) => `  ${printable(line)}`),
        ]),
        '',
      );
    }
  }
  const unknown = report.checks.flatMap((c) => c.unknown.map((text) => `${c.title}: ${text}`));
  if (unknown.length > 0) {
    lines.push(style.bold('Not known'));
    lines.push(...unknown.flatMap((text) => item(style.yellow('?'), text, width)), '');
  }
  const passedOver = report.checks.flatMap((c) => c.passedOver ?? []);
  if (passedOver.length > 0) {
    lines.push(style.bold('Not looked at'));
    lines.push(...passedOver.flatMap((text) => item(style.dim('·'), text, width)), '');
  }
  return [...lines, sumText(report, style)].join('\n');
}

function findingLines(finding: Finding, loaded: LoadedProject, style: Style, width: number): string[] {
  const sign = { error: style.red('✗'), warning: style.yellow('!'), info: style.dim('·') }[finding.severity];
  const place =
    finding.at === undefined
      ? []
      : [
          `${basename(loaded.file)}:${position(loaded.text, placeOf(loaded.text, finding.at).offset)} ${finding.at.join('.')}`,
        ];
  return [
    ...item(sign, finding.what, width),
    ...paragraph(finding.why, width).map(style.dim),
    ...paragraph(`→ ${finding.next}`, width),
    ...place.flatMap((text) => paragraph(text, width)).map(style.dim),
  ];
}

function item(sign: string, text: string, width: number): string[] {
  const [first = '', ...rest] = wrap(printable(text), Math.max(30, width - 2));
  return [`${sign} ${first}`, ...rest.map((line) => `  ${line}`)];
}

function paragraph(text: string, width: number): string[] {
  return wrap(printable(text), Math.max(30, width - 4)).map((line) => `    ${line}`);
}

function sumText({ findings, checks, ms }: PreflightReport, style: Style): string {
  const of = (severity: Severity): number => findings.filter((f) => f.severity === severity).length;
  const [errors, warnings] = [of('error'), of('warning')];
  const sum = `${count(checks.length, 'check')} in ${duration(ms / 1000)}; nothing was rented.`;
  if (errors > 0) {
    return `${style.red(`${count(errors, 'error')}, ${count(warnings, 'warning')}.`)} ${sum}`;
  }
  return warnings > 0
    ? `${style.yellow(`${count(warnings, 'warning')}.`)} ${sum}`
    : `${style.green('Nothing is wrong.')} ${sum}`;
}
