/**
 * Writes an argument list as one POSIX shell command line that yields exactly these arguments.
 *
 * SSH carries a command as one string that the far login shell parses, so this is the only place where arguments
 * become shell text. Throws a TypeError for an empty list and for NUL, which no argument can hold.
 */
export function quoteArgv(argv: readonly string[]): string {
  if (argv.length === 0) {
    throw new TypeError('A command needs at least one argument.');
  }
  return argv.map(quoteArgument).join(' ');
}

function quoteArgument(argument: string): string {
  if (argument.includes('\0')) {
    throw new TypeError('An argument cannot contain a NUL character.');
  }
  return /^[A-Za-z0-9_@%+:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
