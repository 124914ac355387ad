import assert from 'node:assert/strict';
import { parseProject, position } from '../../../src/core/project/parse.ts';

function problemsOf(step: object): string[] {
  const text = JSON.stringify({
    version: 1,
    name: 'sample',
    target: { volume: { name: 'v' }, cpu: {}, image: 'i' },
    steps: [{ name: 'one', ...step }],
  });
  return parseProject(text).problems.map((p) => {
    assert.notEqual(position(text, p.offset), '1:1', 'a problem without its place');
    return p.message;
  });
}

const gates = (...list: object[]): string[] => problemsOf({ shell: 'true', gates: list });
const rows = (bounds: object, path = 'out/a.parquet'): object => ({ type: 'rows', path, ...bounds });
const metric = (bounds: object): object => ({ type: 'metric', name: 'loss', ...bounds });
const distinct = (asked: object): object => ({ type: 'distinct', path: 'a.parquet', column: 'c', ...asked });

describe('gates that can never hold are told where they stand, before money is spent (R3.2, R4.1)', () => {
  it('bounds that leave nothing', () => {
    for (const gate of [
      rows({ min: 5, max: 2 }),
      rows({ equals: 5, min: 6 }),
      rows({ equals: 5, max: 4 }),
      metric({ min: 0.9, max: 0.1 }),
      distinct({ includes: ['a', 'b', 'c'], count: 2 }),
      distinct({ includes: [1, 2, 1.5], count: 2 }),
    ]) {
      assert.match(gates(gate).join('\n'), /^"\w+" of gate 1 of step "one" is .*so the gate can never hold\.$/);
    }
    assert.match(gates(distinct({ count: 1_000_001 })).join('\n'), /the most values that a gate counts/);
  });

  it('gates of one step that contradict each other', () => {
    for (const pair of [
      [rows({ equals: 100 }), rows({ min: 200 })],
      [rows({ max: 5 }), rows({ min: 6 })],
      [metric({ max: 0.1 }), metric({ min: 0.2 })],
      [distinct({ count: 2 }), distinct({ count: 3 })],
    ]) {
      assert.match(gates(...pair).join('\n'), /^"\w+" of gate 2 of step "one" contradicts an earlier gate/);
    }
  });

  it('paths that the gate cannot read', () => {
    for (const [gate, why] of [
      [{ type: 'checkpoint', path: 'out/model.keras' }, /".keras", which the gate cannot load/],
      [{ type: 'checkpoint', path: 'out/model.onnx' }, /".onnx"/],
      [{ type: 'checkpoint', path: 'out/__0_0.distcp' }, /".distcp".*folders/],
      [{ type: 'checkpoint', path: 'out/config.json' }, /".json"/],
      [{ type: 'checkpoint', path: 'out/*.pt' }, /no pattern/],
      [rows({ min: 1 }, 'out/part-*.parquet'), /no pattern/],
      [rows({ min: 1 }, 'ds.parquet/'), /no folder/],
      [rows({ min: 1 }, 'data/a.jsonl'), /parquet files only/],
    ] as const) {
      assert.match(gates(gate).join('\n'), why);
    }
  });

  it('what may hold is left alone', () => {
    assert.deepEqual(
      gates(
        rows({ min: 5, max: 5, equals: 5 }),
        rows({ min: 1 }, 'data[1].parquet'),
        rows({ min: 1 }, 'data/no-ending'),
        rows({ min: 6 }, 'other.pq'),
        distinct({ includes: [1, '1', 1.0, '1.00'], count: 1 }),
        distinct({ includes: ['2024-01-01', '2024-01-01T00:00:00', '2024-01-01 00:00'], count: 1 }),
        { type: 'checkpoint', path: 'out/epoch=1.ckpt' },
        { type: 'checkpoint', path: 'out/epoch=1.ckpt/' },
        { type: 'checkpoint', path: 'out/model.gguf' },
        { type: 'checkpoint', path: 'out/model.safetensors.index.json' },
        { type: 'checkpoint', path: 'out/model-v1.5' },
        { type: 'checkpoint', path: 'out/final.safetensors' },
        metric({ max: 1, of: 'best' }),
        metric({ min: 2, of: 'worst' }),
      ),
      [],
    );
  });

  it('parameters that are no variables of Python', () => {
    for (const name of ['class', 'x y', 'a;import os', '1a', '', 'None']) {
      const [problem = ''] = problemsOf({ notebook: 'a.ipynb', parameters: { [name]: 1 } });
      assert.match(problem, /Python/, name);
    }
    assert.deepEqual(problemsOf({ notebook: 'a.ipynb', parameters: { größe: 1, _x1: 2, match: 3 } }), []);
  });

  it('names that no variable and no file system takes', () => {
    assert.match(problemsOf({ shell: 'true', env: { 'F G': '1' } }).join('\n'), /must be a name of letters/);
    assert.match(problemsOf({ script: `${'x'.repeat(256)}.py` }).join('\n'), /longer than a file system takes/);
  });
});
