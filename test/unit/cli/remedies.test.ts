import assert from 'node:assert/strict';
import { CommanderError, type Command } from 'commander';
import { hintLines, hintOf } from '../../../src/cli/remedies.ts';
import { makeProgram } from '../../../src/cli/program.ts';
import { remedySamples } from '../../support/remedies.ts';

const given = { argv: ['check', 'my project.runpod.json', '--python', 'old', '--sandbox'], sandbox: true };

/** The words of a line as a shell would hand them over; what the user fills in counts as one word. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

/** Lets the program read a line without doing what it says. */
function parse(words: string[]): string {
  let called = '';
  const program = makeProgram(() => Promise.resolve());
  const silent = (command: Command): void => {
    command.exitOverride().configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
    command.commands.forEach((child) => {
      silent(child);
      child.action(() => {
        called = child.name();
      });
    });
  };
  silent(program);
  program.parse(words, { from: 'user' });
  return called;
}

describe('remedies on the command line', () => {
  for (const remedy of remedySamples) {
    it(`name a line that the program understands: ${JSON.stringify(remedy)}`, () => {
      for (const sandbox of [true, false]) {
        const { does, line } = hintOf(remedy, { ...given, sandbox });
        assert.match(does, /^\S.*\S$/);
        const [first, ...words] = wordsOf(line);
        if (first === 'export') {
          assert.ok(
            words.every((word) => /^[A-Z0-9_]+=<[a-z0-9 ]+>?$/.test(word) || /^[a-z0-9]+>$/.test(word)),
            line,
          );
          continue;
        }
        assert.equal(first, 'runpod-trainer');
        assert.equal(parse(words), words[0], line);
        assert.equal(
          words.filter((w) => w === '--sandbox').length,
          sandbox || remedy.do === 'set-python' ? 1 : 0,
          line,
        );
      }
    });
  }

  it('would not be understood with an option that does not exist', () => {
    assert.throws(() => parse(['attach', 'job', '--profile', 'x']), CommanderError);
    assert.throws(() => parse(['attache', 'job']), CommanderError);
  });

  it('keep the file, the profile and the sandbox, and quote what a shell would take apart', () => {
    const run = { do: 'run', file: '/p/my project.runpod.json', profile: 'tiny', from: 'train' } as const;
    assert.equal(
      hintOf(run, given).line,
      "runpod-trainer run '/p/my project.runpod.json' --profile tiny --from train --sandbox",
    );
    assert.equal(
      hintOf({ do: 'set-python' }, given).line,
      "runpod-trainer check 'my project.runpod.json' --sandbox --python <path>",
    );
    assert.equal(hintOf({ do: 'set-python' }, { argv: ['explain'] }).line, 'runpod-trainer run --python <path>');
  });

  it('stand below a message, each with what it does', () => {
    const lines = hintLines(
      [
        { do: 'attach', job: 'j' },
        { do: 'cancel', job: 'j' },
      ],
      { argv: [] },
    );
    assert.deepEqual(lines, ['  stay with it:  runpod-trainer attach j', '  stop it:       runpod-trainer cancel j']);
  });
});
