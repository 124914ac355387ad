import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { makeProgram } from '../../src/cli/program.ts';
import { failureKinds } from '../../src/core/guards/explain/types.ts';
import { checks } from '../../src/core/guards/preflight/index.ts';
import packageJson from '../../package.json' with { type: 'json' };

const root = path.resolve(import.meta.dirname, '..', '..');
const read = (page: string): string => readFileSync(path.join(root, page), 'utf8');
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'gpu-worker/README.md',
  'contract/README.md',
  ...readdirSync(path.join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** The anchors that GitHub gives to the headings of a page. */
function anchors(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function brokenLinks(page: string): string[] {
  return [...read(page).matchAll(/\]\(([^)\s#]*)(?:#([^)\s]+))?\)/g)]
    .filter(([, to = '']) => !/^https?:/.test(to))
    .filter(([, to = '', anchor]) => {
      const file = to === '' ? page : path.posix.normalize(path.posix.join(path.posix.dirname(page), to));
      return !existsSync(path.join(root, file)) || (anchor !== undefined && !anchors(file).includes(anchor));
    })
    .map(([link]) => `${page}: ${link}`);
}

function missingFiles(page: string): string[] {
  const names = [
    ...read(page).matchAll(/`((?:test|gpu-worker|src|sandbox|scripts|contract|bench|examples)\/[\w./*-]+)`/g),
  ];
  return names
    .filter(([, name = '']) =>
      name.includes('*') ? globSync(name, { cwd: root }).length === 0 : !existsSync(path.join(root, name)),
    )
    .map(([name]) => `${page}: ${name}`);
}

describe('the pages', () => {
  it('lead only to what is there', () => {
    assert.deepEqual(pages.flatMap(brokenLinks), []);
    assert.deepEqual(pages.flatMap(missingFiles), []);
  });

  it('name only scripts that npm has', () => {
    const scripts = Object.keys(packageJson.scripts);
    const named = pages.flatMap((page) =>
      [...read(page).matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => ({ page, name })),
    );
    assert.ok(named.length > 5);
    assert.deepEqual(
      named.filter(({ name }) => !scripts.includes(name)),
      [],
    );
  });

  it('call every command of the command line by its name, with options that it has (R9.3)', () => {
    const commands = makeProgram(() => Promise.resolve()).commands;
    const rows = [...read('docs/cli.md').matchAll(/^\| `([a-z-]+)(?: [^`]*)?` +\|(.*)\|$/gm)];
    const table = rows.slice(0, commands.length).map(([, name = '', text = '']) => ({ name, text }));
    assert.deepEqual(table.map(({ name }) => name).toSorted(), commands.map((command) => command.name()).toSorted());
    for (const { name, text } of table) {
      const known = commands.find((command) => command.name() === name)?.options.map((option) => option.long);
      for (const [option] of text.replace('use it with `--sandbox`', '').matchAll(/--[a-z-]+/g)) {
        assert.ok(known?.includes(option) === true, `${name} ${option}`);
      }
    }
    const called = [...read('README.md').matchAll(/^npx runpod-trainer ([a-z-]+)/gm)].map(([, name]) => name);
    assert.ok(called.length >= 12 && called.every((name) => commands.some((command) => command.name() === name)));
  });

  it('tell how many checks there are, and every kind of failure that is explained (R7.4)', () => {
    assert.ok(read('README.md').includes(` ${checks.length} checks look at `), `${checks.length} checks`);
    const [, section = ''] = read('docs/guards.md').split('## Failure explainer');
    const table = /^\| kind [\s\S]*?\n\n/m.exec(section)?.[0] ?? '';
    const rows = table.split('\n').slice(2);
    const kinds = rows.flatMap((row) =>
      [...(row.split('|')[1] ?? '').matchAll(/`([a-z-]+)`/g)].map(([, kind]) => kind),
    );
    assert.deepEqual(kinds.toSorted(), failureKinds.toSorted());
  });
});
