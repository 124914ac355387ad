import { CancelledError, messageOf, UserError } from '../core/errors.ts';
import { exitCodes } from './exit.ts';
import { makeProgram } from './program.ts';
import { hintLines } from './remedies.ts';
import { printable } from './style.ts';

/** Says what went wrong: sentences on standard error, with `--json` one object on standard output. */
function report(error: unknown, { json, sandbox }: { json?: boolean; sandbox?: boolean }): number {
  const cancelled = error instanceof CancelledError;
  const { code, what, why, next, remedies } =
    error instanceof UserError
      ? error
      : new UserError(cancelled ? 'cancelled' : 'unexpected', { what: messageOf(error) });
  if (json === true) {
    const acts = remedies.length > 0 ? remedies : undefined;
    console.log(
      JSON.stringify({ time: new Date().toISOString(), type: 'error', code, what, why, next, remedies: acts }),
    );
  } else {
    const unexpected = !cancelled && !(error instanceof UserError);
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

await makeProgram(async (code, options) => {
  process.exitCode = await code.catch((error: unknown) => report(error, options));
}).parseAsync();
