import type { Remedy } from '../core/remedy.ts';
import { quoteArgv } from '../core/ssh/quote.ts';

/** How this program was called; a command that it names goes on in the same way. */
export interface Given {
  /** The words after the program's name. */
  argv: readonly string[];
  sandbox?: boolean | undefined;
}

/** A remedy on the command line: what it does and the line to enter. `<…>` is for the user to fill in. */
export interface Hint {
  does: string;
  line: string;
}

/** The command line's form of a remedy. */
export function hintOf(remedy: Remedy, given: Given): Hint {
  const run = (does: string, words: readonly string[], open = ''): Hint => ({
    does,
    line: commandLine(words, given, open),
  });
  switch (remedy.do) {
    case 'attach':
      return run('stay with it', ['attach', remedy.job]);
    case 'cancel':
      return run('stop it', ['cancel', remedy.job]);
    case 'fetch':
      return run(fetchWords[remedy.keep ?? 'ask'], ['fetch', remedy.job, ...option('--keep', remedy.keep)]);
    case 'run': {
      const { file, profile, from } = remedy;
      const words = ['run', ...some(file), ...option('--profile', profile), ...option('--from', from)];
      return run(from === undefined ? 'run it' : 'go on from there', words);
    }
    case 'adopt': {
      const { argv } = given;
      const words = argv[0] === 'run' || argv[0] === 'sync' ? argv : ['run'];
      return run('let this folder fill it', [...words, '--adopt']);
    }
    case 'answer-gone': {
      const { argv } = given;
      const words = argv[0] === 'run' ? argv : ['run'];
      return run(`${remedy.answer} there`, [...words, '--gone', remedy.answer]);
    }
    case 'show-jobs':
      return run('list the jobs', ['jobs']);
    case 'find-unused':
      return run('list what costs money', ['radar']);
    case 'regions':
      return run('compare the data centers', ['regions', ...some(remedy.file)]);
    case 'move': {
      const { volume, to, replace, way } = remedy;
      const target = to === undefined ? '--to <place>' : '';
      const words = ['move', volume, ...option('--to', to), ...option('--way', way)];
      return replace === true
        ? run('replace what is there', [...words, '--replace'], target)
        : run(way === 'this-machine' ? 'send through this machine' : 'move the volume', words, target);
    }
    case 'sign-in':
      return { does: 'give a key', line: 'export RUNPOD_API_KEY=<key>' };
    case 'set-s3-keys':
      return {
        does: 'give S3 keys',
        line: 'export RUNPOD_S3_ACCESS_KEY_ID=<access key> RUNPOD_S3_SECRET_ACCESS_KEY=<secret>',
      };
    case 'set-secret':
      return { does: 'give its value', line: `export ${remedy.name}=<value>` };
    case 'set-python':
      return run('use another Python', withoutPython(given.argv), '--python <path>');
    case 'set-end-key-secret':
      return { does: 'name the secret', line: 'export RUNPOD_TRAINER_END_KEY_SECRET=<name>' };
    case 'set-api-address':
      return { does: 'set the API address', line: 'export RUNPOD_REST_URL=<address>' };
    case 'set-s3-address':
      return { does: 'set the S3 address', line: 'export RUNPOD_TRAINER_S3_URL=<address>' };
  }
}

const fetchWords = {
  ask: 'bring its results home',
  theirs: 'take those of the volume',
  both: 'have both side by side',
};

/** Lines below a message: `  stay with it:  runpod-trainer attach songs-…`. */
export function hintLines(remedies: readonly Remedy[], given: Given): string[] {
  const hints = remedies.map((remedy) => hintOf(remedy, given));
  const width = Math.max(0, ...hints.map(({ does }) => does.length));
  return hints.map(({ does, line }) => `  ${`${does}:`.padEnd(width + 1)}  ${line}`);
}

/** `open` has what the user fills in, and is not quoted. */
function commandLine(words: readonly string[], { sandbox }: Given, open: string): string {
  const all = ['runpod-trainer', ...words, ...(sandbox === true && !words.includes('--sandbox') ? ['--sandbox'] : [])];
  return [quoteArgv(all), ...(open === '' ? [] : [open])].join(' ');
}

const some = (value: string | undefined): string[] => (value === undefined ? [] : [value]);
const option = (name: string, value: string | undefined): string[] => (value === undefined ? [] : [name, value]);

/** The command as it was called, to be given another Python; another one that takes none becomes `run`. */
function withoutPython(argv: readonly string[]): string[] {
  if (argv[0] !== 'run' && argv[0] !== 'check') {
    return ['run'];
  }
  return argv.filter((word, i) => !word.startsWith('--python') && argv[i - 1] !== '--python');
}
