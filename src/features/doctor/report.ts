import type { Check, CheckStatus } from '../../core/guards/doctor/index.ts';
import { visibleName } from '../../core/volumes/browse/names.ts';
import { clock } from '../../core/words/index.ts';

const marks: Record<CheckStatus, string> = { ok: '✓', failed: '✗', unknown: '?', skipped: '–' };
const words: Record<CheckStatus, string> = { ok: 'works', failed: 'failed', unknown: 'not known', skipped: 'skipped' };

/** The checks of a connection as Markdown: what failed and what to do comes first, then every check. */
export function doctorReport(subject: string, checks: readonly Check[], now = new Date()): string {
  const failed = checks.filter((check) => check.status === 'failed');
  const remedies = checks.filter((check) => check.next !== undefined && check.status !== 'ok');
  const verdict =
    failed.length === 0
      ? 'Nothing is wrong.'
      : failed.length === 1
        ? 'One check failed.'
        : `${failed.length} checks failed.`;
  return [
    `# Connection to ${plain(subject)}`,
    `${verdict} Looked at ${clock(now)}.`,
    ...(remedies.length === 0
      ? []
      : [
          '## What to do',
          ...remedies.map(
            (check) => `- **${plain(check.title)}**: ${sentence(check.seen)} ${sentence(check.next ?? '')}`,
          ),
        ]),
    '## Every check',
    [
      '| | Check | Seen | Time |',
      '|---|---|---|---:|',
      ...checks.map(
        ({ status, title, seen, ms }) =>
          `| ${marks[status]}\u{a0}${words[status]} | ${plain(title)} | ${plain(seen)} | ${status === 'skipped' ? '' : `${ms}\u{a0}ms`} |`,
      ),
    ].join('\n'),
    '',
  ].join('\n\n');
}

function sentence(text: string): string {
  const whole = plain(text);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

/** Text from anywhere as Markdown that means nothing but itself. */
function plain(text: string): string {
  return visibleName(text.replace(/\s+/g, ' ').trim()).replace(/[\\`*_{}[\]()#+!|<>~&-]/g, '\\$&');
}
