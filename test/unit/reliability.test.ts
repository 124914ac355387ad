import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isNoEvent, kinds, scheduleOf } from '../faults/schedule.ts';

const root = path.resolve(import.meta.dirname, '..', '..');
const page = readFileSync(path.join(root, 'docs', 'reliability.md'), 'utf8');

/** The rows of the table below a heading, each as its cells. */
function table(heading: string): string[][] {
  const [, section = ''] = page.split(`\n## ${heading}\n`);
  return (section.split('\n## ')[0] ?? '')
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.split(/(?<!\\)\|/).slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()))
    .slice(2);
}

/** Whether a file has a test, or a group of tests, of this title. */
function hasTest(file: string, title: string): boolean {
  if (title === '' || !existsSync(path.join(root, file))) return false;
  const text = readFileSync(path.join(root, file), 'utf8');
  if (file.endsWith('.py')) return new RegExp(`^(async )?def ${title}\\(`, 'm').test(text);
  const plain = ["'", '"'].some((quote) => text.includes(quote + title.replaceAll(quote, `\\${quote}`) + quote));
  // A title with variable parts is written in the table with values of them.
  const variable = [...text.matchAll(/\bit\(\s*`([^`]*)`/g)].some(([, template = '']) => {
    const parts = template.split(/\$\{[^}]*\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(`^${parts.join('.+')}$`).test(title);
  });
  return plain || variable;
}

describe('docs/reliability.md', () => {
  const findings = table('Finding and test');

  it('names for every finding tests that exist', () => {
    assert.ok(findings.length >= 20);
    const missing = findings.filter(([, file = '', title = '']) => !hasTest(file.replaceAll('`', ''), title));
    assert.deepEqual(missing, []);
  });

  it('describes every kind of fault of the matrix and no other', () => {
    const described = table('The matrix').map(([kind = '']) => kind.replaceAll('`', ''));
    assert.deepEqual(described.toSorted(), kinds.toSorted());
  });

  it('has a series of 1,000 schedules with every kind, 20 of them with the default timings', () => {
    const schedules = Array.from({ length: 1000 }, (_, i) => scheduleOf(5000 + i, ['namespace', 'plain']));
    const drawn = new Set(schedules.flatMap(({ faults }) => faults.map(({ kind }) => kind)));
    if (process.getuid?.() === 0) assert.deepEqual([...drawn].sort(), kinds.toSorted());
    assert.equal(schedules.filter(({ defaultTimings }) => defaultTimings).length, 20);
    assert.ok(schedules.filter(isNoEvent).length >= 20);
  });
});
