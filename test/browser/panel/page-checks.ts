import axe, { type AxeResults } from 'axe-core';
import type { Frame } from 'playwright-core';

/** What axe finds in a page, as `impact: rule: where`; only what it calls serious or critical. */
export async function seriousProblems(frame: Frame): Promise<string[]> {
  await frame.evaluate(axe.source);
  const results = await frame.evaluate<AxeResults>(`globalThis.axe.run(document)`);
  return results.violations
    .filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .map(
      (v) => `${v.impact}: ${v.id}: ${v.nodes.map((n) => `${n.target.join(' ')} (${n.failureSummary})`).join('; ')}`,
    );
}
