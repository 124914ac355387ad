import assert from 'node:assert/strict';
import { explanationText } from '../../../src/features/jobs/explain-failure.ts';

describe('the explanation of a failure (R4.6)', () => {
  it('shows evidence without what a terminal obeys, and the change with both values', () => {
    const detail = explanationText({
      kind: 'cuda-memory',
      what: 'w',
      evidence: ['\u001b[31mCUDA out of memory\u001b[0m'],
      also: ['\u001b[33mretrying\u001b[0m'],
      why: 'why',
      next: 'next',
      change: { path: ['steps', 1, 'args', 1], from: '8', to: '4', text: '' },
      resume: { from: 'train' },
    });
    assert.equal(
      detail,
      'Seen:\n  CUDA out of memory\n\nEarlier, and survived:\n  retrying\n\nwhy\n\nnext\n\nChange steps[1].args[1]: "8" → "4"',
    );
  });
});
