import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { buttonOf, buttonsOf } from '../../../src/features/common/remedies.ts';
import { remedySamples } from '../../support/remedies.ts';

interface Manifest {
  contributes: {
    commands: { command: string }[];
    views: Record<string, { id: string }[]>;
    configuration: { properties: Record<string, unknown> };
  };
}
const { contributes } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as Manifest;
const known = new Set([
  ...contributes.commands.map(({ command }) => command),
  // VS Code makes this one for every view.
  ...Object.values(contributes.views).flatMap((views) => views.map(({ id }) => `${id}.focus`)),
]);

describe('remedies in the editor', () => {
  for (const remedy of remedySamples) {
    it(`are a button whose command exists: ${JSON.stringify(remedy)}`, () => {
      const { title, command, arguments: given = [] } = buttonOf(remedy, (path) => ({ path }));
      for (const word of title.replace(/…$/, '').split(' ')) {
        assert.match(word, /^([A-Z0-9]|from$|with$)/, `"${title}" is not in Title Case`);
      }
      if (command === 'workbench.action.openSettings') {
        assert.deepEqual(given.length, 1);
        assert.ok(Object.keys(contributes.configuration.properties).includes(String(given[0])), String(given[0]));
      } else {
        assert.ok(known.has(command), `${command} is not in the manifest`);
      }
    });
  }

  it('are one button where two would do the same', () => {
    const uri = { Uri: { file: (path: string) => ({ path }) } } as unknown as Parameters<typeof buttonsOf>[0];
    const both = [
      { do: 'answer-gone', answer: 'remove' },
      { do: 'answer-gone', answer: 'keep' },
      { do: 'show-jobs' },
    ] as const;
    assert.deepEqual(
      buttonsOf(uri, both).map(({ title }) => title),
      ['Run Pipeline…', 'Show Jobs'],
    );
  });

  it('carry what they are about', () => {
    const job = { id: 'j' };
    const uri = (path: string): string => `file:${path}`;
    assert.deepEqual(buttonOf({ do: 'fetch', job: 'j' }, uri).arguments, [job]);
    assert.deepEqual(buttonOf({ do: 'run', file: '/a', from: 'train' }, uri).arguments, ['file:/a', 'train']);
    assert.deepEqual(buttonOf({ do: 'set-secret', name: 'HF_TOKEN' }, uri).arguments, [{ name: 'HF_TOKEN' }]);
  });
});
