import { byteText, roughly } from '../../core/words/index.ts';
import type { OnEvent, RunEvent } from '../../core/journal/run-event.ts';
import { Pace, type PaceNow } from '../../core/transport/progress.ts';
import { visibleName } from '../../core/volumes/browse/names.ts';
import type { Report } from '../common/progress.ts';

/** Letters of a path; its end tells more than its start. */
const longestPath = 48;

type Moved = Extract<RunEvent, { type: 'transfer' }>;

/** Shows what a sync does in its progress message. */
export function syncProgress(report: Report): OnEvent {
  const pace = new Pace();
  return (event) => {
    switch (event.type) {
      case 'transfer': {
        const percent = event.bytesTotal === 0 ? 0 : (event.bytes / event.bytesTotal) * 100;
        return report(progressText(event, pace.at(event.bytes, event.bytesTotal)), percent);
      }
      case 'pod':
        return report(`${event.hardware} is starting`);
      case 'refused':
        return report(`${event.hardware}: ${event.reason}`);
      case 'phase':
      case 'set-aside':
      case 'warning':
        return report(event.text);
      case 'link':
        return event.state === 'live' ? undefined : report(event.text);
      case 'host-key':
      case 'job':
        return;
    }
  };
}

/** `3.1 MB of 9.0 MB · 4.2 MB/s · 2 s left · file 12 of 31: src/model.py`. */
export function progressText(moved: Moved, { bytesPerSecond, secondsLeft }: PaceNow): string {
  const name = visibleName(moved.file);
  const path = name.length <= longestPath ? name : `…${name.slice(1 - longestPath)}`;
  return [
    `${byteText(moved.bytes)} of ${byteText(moved.bytesTotal)}`,
    ...(bytesPerSecond === undefined ? [] : [`${byteText(bytesPerSecond)}/s`]),
    ...(secondsLeft === undefined ? [] : [`${roughly(secondsLeft)} left`]),
    `file ${Math.min(moved.files + 1, moved.filesTotal)} of ${moved.filesTotal}: ${path}`,
  ].join(' · ');
}
