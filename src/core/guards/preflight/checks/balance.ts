import { dollars, pricePerHour } from '../../../words/index.ts';
import { capSeconds } from '../../../journal/spec.ts';
import type { Check } from '../check.ts';

const billing = 'https://console.runpod.io/user/billing';
/** So many hours of the pod are thought of where no cap says how long it may run. */
const hoursWithoutCap = 4;

export const balance: Check = {
  id: 'balance',
  title: 'Balance',
  run: async ({ account, options, project, rentsPod }, say) => {
    if (!rentsPod) {
      return;
    }
    const [money, price] = await Promise.all([account.balance(), account.pricePerHour()]);
    if (money === undefined) {
      say.unknown('The balance is not told to this key.');
      return;
    }
    const needed = Math.max(options.estimate?.likely ?? 0, price ?? 0);
    const fix = { title: 'Add funds', command: 'open-url' as const, args: { url: billing } };
    if (money.balance <= 0 || money.balance < needed) {
      const reason = needed === (price ?? 0) ? 'an hour of the pod costs' : 'the run is expected to cost';
      say.error('funds', {
        what: `The balance is ${dollars(Math.max(0, money.balance))}, but ${needed > 0 ? `${reason} ${dollars(needed)}` : 'nothing can be rented for that'}.`,
        why: 'RunPod grants a pod only when about an hour of it is paid for, and stops pods when the balance ends.',
        next: 'Add funds in the RunPod console.',
        fix,
      });
      return;
    }
    const { balance: left, spendPerHour, spendLimit } = money;
    if (price !== undefined && spendLimit !== null && (spendPerHour ?? 0) + price > spendLimit) {
      say.error('spend-limit', {
        what: `The account spends ${pricePerHour(spendPerHour, false)} now, and may spend ${pricePerHour(spendLimit, false)}; this pod costs ${pricePerHour(price, false)} more.`,
        why: 'RunPod refuses pods above the limit of the account.',
        next: 'End pods that are not needed, or ask RunPod for a higher limit.',
      });
    }
    if (price === undefined) {
      return;
    }
    const hours = (capSeconds(project.caps, price) ?? hoursWithoutCap * 3600) / 3600;
    const likely = hours * (price + (spendPerHour ?? 0));
    if (left < likely) {
      say.warning('funds-low', {
        what: `The balance of ${dollars(left)} may end before the job: ${project.caps.hours === undefined && project.caps.dollars === undefined ? `${hoursWithoutCap} hours` : 'what the caps allow'} would take ${dollars(likely)}.`,
        why: 'At a balance of 0 RunPod stops every pod of the account in the middle of its work, and goes on charging for volumes.',
        next: 'Add funds, or lower the caps.',
        fix,
      });
    }
  },
};
