import { newMarker, printMarker } from './marker.ts';
import { quoteArgv } from './quote.ts';

/**
 * Runs a command, its arguments, with empty input, and ends it with SIGTERM to its process group when the channel
 * closes. SSH could carry a signal, but sshd refuses that to root, and root is who we are on a pod. The open input of
 * the channel serves as the sign of life instead.
 */
const tied = `exec 3<&0 </dev/null
{ read -r _ <&3; kill -TERM 0; } >/dev/null 2>&1 &
watcher=$!
exec 3<&-
"$@"
code=$?
kill "$watcher" 2>/dev/null
exit "$code"`;

/** Start files that a program which is a script of bash would read and print from, as the login shell did before. */
const quiet = 'unset BASH_ENV ENV';

/**
 * The command line that the far login shell gets for an argument list, and the marker that it prints to both outputs
 * before the command begins. The shell is replaced, so that nothing of its own comes after the command.
 */
export function marked(argv: readonly string[], options: { tied?: boolean } = {}): { line: string; marker: string } {
  const marker = newMarker();
  const script = `${printMarker}\n${quiet}\n${options.tied === true ? tied : 'exec "$@"'}`;
  return { line: `exec ${quoteArgv(['sh', '-c', script, marker, ...argv])}`, marker };
}
