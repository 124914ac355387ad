import { CancelledError, isSystemError, messageOf, UserError } from '../core/errors.ts';
import { exitCodes } from './exit.ts';
import { crashed, exitCodeAfter, isUnread, watchForEnds } from './interrupt.ts';
import { makeProgram } from './program.ts';
import { hintLines } from './remedies.ts';
import { printable } from './style.ts';

/** Says what went wrong: sentences on standard error, with `--json` one object on standard output. */
function report(error: unknown, { json, sandbox }: { json?: boolean; sandbox?: boolean }): number {
  const cancelled = error instanceof CancelledError;
  if (cancelled && isUnread() && error.message === new CancelledError().message) {
    // Who closed the pipe has read enough, and nothing is to be told of a pod.
    return exitCodes.cancelled;
  }
  const { code, what, why, next, remedies } =
    error instanceof UserError
      ? error
      : new UserError(cancelled ? 'cancelled' : isSystemError(error) ? 'system' : 'unexpected', {
          what: messageOf(error),
          next: cancelled ? undefined : nextAfter(error),
        });
  if (json === true) {
    const acts = remedies.length > 0 ? remedies : undefined;
    console.log(
      JSON.stringify({ time: new Date().toISOString(), type: 'error', code, what, why, next, remedies: acts }),
    );
  } else {
    const unexpected = code === 'unexpected';
    console.error([unexpected ? `Unexpected failure: ${what}` : what, why, next].filter(Boolean).join('\n'));
    for (const line of hintLines(remedies, { argv: process.argv.slice(2), sandbox })) {
      console.error(printable(line));
    }
    if (unexpected && process.env.RUNPOD_TRAINER_DEBUG !== undefined && error instanceof Error) {
      console.error(error.stack);
    }
  }
  return cancelled ? exitCodes.cancelled : exitCodes.badInput;
}

function nextAfter(error: unknown): string {
  return isSystemError(error)
    ? 'Change what stands in its way, then try again.'
    : 'This is a fault of the program. With RUNPOD_TRAINER_DEBUG=1 in the environment it also says where: please report it.';
}

watchForEnds((error) => {
  process.exit(report(error, {}));
});
await makeProgram(async (code, options) => {
  const [ended] = await Promise.allSettled([code]);
  const failure = crashed() ?? (ended.status === 'rejected' ? { error: ended.reason as unknown } : undefined);
  const answer = ended.status === 'fulfilled' ? ended.value : exitCodes.badInput;
  process.exitCode = exitCodeAfter(failure === undefined ? answer : report(failure.error, options));
}).parseAsync();
