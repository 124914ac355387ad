import { dayShort } from '../../../caps/cap.ts';
import { leftToday } from '../../../caps/day.ts';
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
    const { caps } = project;
    try {
      const left = await leftToday(installation, project, signal);
      const { likely = null, seconds } = options.estimate ?? {};
      const short = dayShort(caps, left, { dollars: likely, seconds: seconds?.likely ?? null });
      if (short !== undefined) {
        const { cap, ...text } = short;
        say.warning('day-cap-short', { ...text, at: facts.place('caps', cap) });
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
        at: facts.place('caps', caps.dollarsPerDay === undefined ? 'hoursPerDay' : 'dollarsPerDay'),
      });
    }
  },
};
