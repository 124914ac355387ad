import assert from 'node:assert/strict';
import { compareParquet } from '../compare/parquet.ts';

const python = process.env['RUNPOD_TRAINER_PYTHON'] ?? 'python3';

describe('gates on parquet files: the check before a run and the worker (R3.2, R4.1)', function () {
  this.timeout(120_000);

  it('say the same of what pyarrow writes; `npm run compare -- parquet` asks them about a larger set', async () => {
    const asked = await compareParquet(new Map([['pyarrow', python]]), { python, seed: 'sample', files: 12 });
    const { falseRefusals, missedFailures, wrong, unknown } = asked;
    assert.deepEqual(
      { falseRefusals, missedFailures, wrong, unknown },
      {
        falseRefusals: [],
        missedFailures: [],
        wrong: [],
        unknown: [],
      },
    );
    assert.ok(asked.passed > 100 && asked.failed > 100, `${asked.passed} hold, ${asked.failed} do not`);
  });
});
