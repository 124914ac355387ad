import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commands } from '../../src/features/ids.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Commands that a test reaches by other words than their title: those of a lens. */
const otherWords: Record<string, string> = {
  run: "lens('Run')",
  check: "lens('Check')",
  runFrom: "lens('Run from here')",
};

function testFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => readFileSync(join(root, folder, name), 'utf8'));
}

describe('commands and their tests (R9.2)', () => {
  it('every command that the manifest contributes is used by a test in a real VS Code', () => {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      contributes: { commands: { command: string; title: string }[] };
    };
    const tests = [...testFiles('test/browser'), ...testFiles('test/host')];
    const untested = Object.entries(commands).filter(([key, id]) => {
      const title = manifest.contributes.commands.find((c) => c.command === id)?.title.replace(/…$/, '') ?? id;
      // As the palette, a menu or a row has it; or by its id, where a test calls it.
      const signs = [`'RunPod: ${title}`, `'${title}`, `ids.${key})`, `ids.${key},`, otherWords[key] ?? id];
      return !tests.some((text) => signs.some((sign) => text.includes(sign)));
    });
    assert.deepEqual(
      untested.map(([, id]) => id),
      [],
    );
  });
});
