import { dollars, forPrice, pricePerHour } from '../core/words/index.ts';
import { homeFolder } from '../core/home/folder.ts';
import {
  deadlineMinutes,
  PlatformFile,
  planVerification,
  verifyPlatform,
  type Answer,
  type VerifyPlan,
} from '../core/guards/verify/index.ts';
import { confirm } from './ask.ts';
import { findConnection, makeInstallation, type GlobalOptions } from './context.ts';
import { exitCodes } from './exit.ts';
import { onInterrupt } from './interrupt.ts';
import { makeOutput } from './output.ts';
import { printable, wrap, type Style } from './style.ts';

export interface VerifyCommandOptions extends GlobalOptions {
  json?: boolean;
  yes?: boolean;
  volume?: boolean;
}

/** Asks the platform what its documents leave open, after saying what that may cost, and keeps the answers. */
export async function verifyPlatformCommand(options: VerifyCommandOptions): Promise<number> {
  const connection = await findConnection(options);
  const installation = await makeInstallation(options);
  const output = makeOutput(options);
  const interrupt = onInterrupt({ mayHoldPod: true });
  const { signal } = interrupt;
  const file = new PlatformFile(homeFolder());
  const { free } = installation.client;
  try {
    const plan = await planVerification(installation.client, {
      volume: options.volume === true,
      s3: installation.s3?.endpoints,
      signal,
    });
    output.note(planText(plan, new URL(connection.restUrl).host, free));
    await confirm(`Start ${forPrice(`at most ${dollars(plan.mostDollars)}`, free)}?`, options.yes === true);
    const { findings, answers } = await verifyPlatform({
      installation,
      connection,
      plan,
      signal,
      onFindings: (found) => file.save(installation.restUrl, found),
      onAnswer: (answer) =>
        output.result({ type: 'answer', ...answer }, answerText(answer, output.style, output.width)),
    });
    const open = answers.filter((a) => a.status === 'unknown').length;
    output.result(
      { type: 'result', file: file.file, findings, open },
      `\nKept in ${file.file}${open === 0 ? '' : `; ${open} ${open === 1 ? 'question is' : 'questions are'} still open`}. Nothing of this check is left running.`,
    );
    return exitCodes.succeeded;
  } finally {
    interrupt.stop();
  }
}

function planText(plan: VerifyPlan, host: string, free: boolean): string {
  const [first] = plan.candidates;
  const volume = plan.withVolume ? ' with a new volume of 10 GB' : '';
  const pod =
    first === undefined
      ? 'No CPU pod is free anywhere, so only what is free of charge is asked.'
      : `Then rents one CPU pod (${first.flavor}, ${first.vcpuCount} vCPU, ${pricePerHour(first.costPerHour, free)})${volume} for a few minutes, at most ${deadlineMinutes}, lets it try its own key and end itself.`;
  return [
    `Asks ${host} some questions that cost nothing. ${pod}`,
    'Everything that it creates is ended, also on Ctrl-C; "runpod-trainer jobs" shows what is left where that fails (rpt-verify-…).',
  ].join('\n');
}

function answerText(answer: Answer, style: Style, width = 100): string {
  const sign = { answered: style.green('✓'), unknown: style.yellow('?'), 'not asked': style.dim('·') }[answer.status];
  const lines = wrap(printable(answer.answer), Math.max(30, width - 2)).map((line) => `  ${line}`);
  return [`${sign} ${style.bold(answer.question)}`, ...lines].join('\n');
}
