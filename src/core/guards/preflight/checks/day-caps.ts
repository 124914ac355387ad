import { leftToday } from '../../../caps/day.ts';
import { dollars } from '../../../words/index.ts';
import { UserError } from '../../../errors.ts';
import type { Check } from '../check.ts';

export const dayCaps: Check = {
  id: 'day-caps',
  title: 'Caps of the day',
  run: async (facts, say) => {
    const { installation, options, project, signal } = facts;
    if (!facts.rentsPod) {
      return;
    }
    const { dollarsPerDay } = project.caps;
    const at = facts.place('caps', dollarsPerDay === undefined ? 'hoursPerDay' : 'dollarsPerDay');
    try {
      const left = await leftToday(installation, project, signal);
      const expected = options.estimateDollars ?? 0;
      if (left.dollars !== null && left.dollars < expected) {
        say.warning('day-cap-short', {
          what: `Of today's ${dollars(dollarsPerDay ?? 0)} ${dollars(left.dollars)} are left, but the run is expected to cost ${dollars(expected)}.`,
          why: 'The job gets what is left, and is ended when that is spent.',
          next: 'Raise "caps.dollarsPerDay" or start tomorrow; what was done is kept and skipped the next time.',
          at,
        });
      }
    } catch (error) {
      if (!(error instanceof UserError) || error.code !== 'cap-day') {
        throw error;
      }
      const { what, why, next } = error;
      say.error('day-cap', {
        what,
        why: why ?? 'The project file limits what its pods may cost in one day.',
        next: next ?? 'Start tomorrow.',
        at,
      });
    }
  },
};
