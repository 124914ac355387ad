import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { checks } from '../../../../src/core/guards/preflight/index.ts';

const repository = path.resolve(import.meta.dirname, '..', '..', '..', '..');

describe('page on preflight (R4.1)', () => {
  const page = readFileSync(path.join(repository, 'docs/preflight.md'), 'utf8');

  it('names every check, in the order in which they are shown', () => {
    const rows = [...page.matchAll(/^\| `([a-z-]+)`/gm)].map((m) => m[1]);
    assert.deepEqual(
      rows,
      checks.map((c) => c.id),
    );
  });

  it('names every finding', () => {
    const folder = path.join(repository, 'src/core/guards/preflight/checks');
    const ids = readdirSync(folder).flatMap((file) =>
      [...readFileSync(path.join(folder, file), 'utf8').matchAll(/(?:say\.\w+|report)\(\s*'([a-z0-9-]+)'/g)].map(
        (m) => m[1] ?? '',
      ),
    );
    assert.ok(ids.length > 60, `${ids.length}`);
    assert.deepEqual(
      [...new Set(ids)].filter((id) => !page.includes(`\`${id}\``)),
      [],
    );
  });
});
