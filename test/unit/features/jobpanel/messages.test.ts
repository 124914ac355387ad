import assert from 'node:assert/strict';
import { dispatch, type Handlers } from '../../../../src/messages/dispatch.ts';
import { caps, fromPanelSchema, toPanelSchema, type FromPanel } from '../../../../src/messages/job-panel.ts';

function receive(raw: unknown): { why: string | undefined; got: FromPanel[] } {
  const got: FromPanel[] = [];
  const take = (message: FromPanel): void => void got.push(message);
  const handlers: Handlers<FromPanel> = {
    ready: take,
    select: take,
    action: take,
    explain: take,
    'explanation-act': take,
    copy: take,
    refused: take,
  };
  return { why: dispatch(fromPanelSchema, handlers, raw), got };
}

describe('messages of the job panel (security rule 10)', () => {
  it('reach their handler when they fit', () => {
    assert.deepEqual(receive({ type: 'select', step: 'phase_1' }), {
      why: undefined,
      got: [{ type: 'select', step: 'phase_1' }],
    });
  });

  it('are dropped when they do not, and what is said about them holds nothing of them', () => {
    const bad: unknown[] = [
      undefined,
      null,
      'ready',
      [],
      { type: 'navigate', to: 'file:///etc/passwd' },
      { type: 'action', action: 'workbench.action.terminal.sendSequence' },
      { type: 'action', action: 'constructor' },
      { type: '__proto__' },
      { type: 'select', step: 'secret'.repeat(100) },
      { type: 'select', step: { toString: 'secret' } },
      { type: 'copy', text: 'x'.repeat(caps.copy + 1) },
    ];
    for (const raw of bad) {
      const { why, got } = receive(raw);
      assert.equal(got.length, 0);
      assert.ok(why !== undefined);
      assert.doesNotMatch(why, /secret|passwd|sendSequence/);
    }
  });

  it('have caps in the other direction too', () => {
    const line = { text: 'x', err: false };
    const log = { type: 'log', step: 'a', from: 0, first: 0, lines: [line] };
    assert.ok(toPanelSchema.safeParse(log).success);
    assert.ok(!toPanelSchema.safeParse({ ...log, lines: Array(caps.logLines + 1).fill(line) }).success);
    assert.ok(!toPanelSchema.safeParse({ ...log, lines: [{ text: 'x'.repeat(caps.line + 1), err: false }] }).success);
    assert.ok(!toPanelSchema.safeParse({ ...log, from: -1 }).success);
  });
});
