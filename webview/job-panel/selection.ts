import type { PanelState, PanelStep } from '../../src/messages/job-panel.ts';

const bad = (step: PanelStep): boolean =>
  step.status === 'failed' || step.status === 'timeout' || step.gates.some((g) => g.status !== 'passed');

/** The step that a person wants to see first: what needs attention, else what runs, else what ran last. */
export function stepToShow({ steps }: PanelState): string {
  const attention = steps.find(bad);
  const running = steps.find((s) => s.status === 'running' || s.status === 'unknown');
  const last = steps.findLast((s) => s.status !== 'waiting');
  return (attention ?? running ?? last)?.name ?? '';
}

export type TabName = 'log' | 'metrics' | 'details' | 'explanation';

/** Where the reason is: a gate's evidence is in the details, everything else tells itself in the log. */
export function tabToShow(step: PanelStep | undefined): TabName {
  return step?.gates.some((g) => g.status !== 'passed') === true ? 'details' : 'log';
}

/** What a screen reader should be told when the second state follows the first; empty when nothing of note happened. */
export function announcement(before: PanelState | undefined, after: PanelState): string {
  if (before === undefined || before.job !== after.job) {
    return '';
  }
  if (before.status !== after.status && after.status !== 'running') {
    return `Job ${after.activity.toLowerCase()}. ${after.reason ?? ''}`.trim();
  }
  const was = new Map(before.steps.map((s) => [s.name, s.status]));
  const changes = after.steps.filter((s) => was.has(s.name) && was.get(s.name) !== s.status);
  const link =
    before.link.state !== after.link.state && after.link.state === 'lost'
      ? ['Link lost, reconnecting. The job does not need it.']
      : [];
  return [...changes.map((s) => `Step ${s.name} ${s.status}.`), ...link].join(' ');
}
