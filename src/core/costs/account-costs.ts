import { throwIfCancelled } from '../errors.ts';
import { dollars, pricePerHour, roughly } from '../words/index.ts';
import { volumeCostPerMonth } from '../pods/volume.ts';
import type { RunPodClient } from '../runpod/client.ts';
import type { Pod } from '../runpod/schemas.ts';
import { knownPods, type CostSource } from '../caps/known-pods.ts';
import { isPaid } from '../caps/stretches.ts';
import { ledgerOf, type BillFacts, type Ledger } from './ledger.ts';

/** The account's money; null where RunPod does not tell it to this key. */
export interface Funds {
  /** USD. */
  balance: number;
  /** USD per hour of everything that runs, volumes included. */
  burn: number;
  /** Until the balance is used up at this burn; null when nothing costs anything. */
  hoursLeft: number | null;
  /** A sentence when that is soon; null otherwise. */
  warning: string | null;
}

export interface Costs {
  ledger: Ledger;
  funds: Funds | null;
  /** Whether nothing of it is charged. */
  free: boolean;
}

/** The bill is read for so many days. */
const defaultDays = 30;
const hoursPerMonth = 730;
/** USD; less than this is nothing. */
const halfCent = 0.005;
/** A balance that lasts less long than this is low, in hours. */
const lowHours = 6;

/**
 * What the jobs of this computer have cost, what the account was billed, and how long its balance lasts. The bill and the
 * balance are shown where the key may read them. The bill's window is named in hours before RunPod's own "now", so that
 * a wrong clock here does not move it.
 */
export async function accountCosts(
  source: CostSource,
  options: { days?: number | undefined; signal?: AbortSignal | undefined } = {},
): Promise<Costs> {
  const { signal } = options;
  const { client } = source;
  const pods = await optional(() => client.pods.list(signal), signal);
  const [ledger, funds] = await Promise.all([
    accountLedger(source, pods, options),
    optional(() => readFunds(client, signal), signal),
  ]);
  return { ledger, funds: funds ?? null, free: client.free };
}

/** The ledger alone; `pods` is what the API has just listed, undefined where it could not. */
export async function accountLedger(
  source: CostSource,
  pods: readonly Pod[] | undefined,
  { days = defaultDays, signal }: { days?: number | undefined; signal?: AbortSignal | undefined } = {},
): Promise<Ledger> {
  const bill = await optional(() => readBill(source.client, days, signal), signal);
  return ledgerOf(await knownPods(source, pods), bill);
}

async function readBill(client: RunPodClient, days: number, signal?: AbortSignal): Promise<BillFacts> {
  const filter = { lastN: days * 24, bucketSize: 'hour' as const };
  const [pods, volumes] = await Promise.all([
    client.billing.pods(filter, signal),
    optional(() => client.billing.volumes({ lastN: days, bucketSize: 'day' }, signal), signal),
  ]);
  const now = new Date();
  return {
    asOf: now.toISOString(),
    since: new Date(now.getTime() - days * 86_400_000).toISOString(),
    pods: pods.records,
    storage: volumes?.totalAmount ?? null,
  };
}

async function readFunds(client: RunPodClient, signal?: AbortSignal): Promise<Funds | undefined> {
  const [money, pods, volumes] = await Promise.all([
    client.account.balance(signal),
    client.pods.list(signal),
    client.volumes.list(signal),
  ]);
  if (money === undefined) {
    return undefined;
  }
  const storage = volumes.reduce((all, v) => all + volumeCostPerMonth(v.size), 0) / hoursPerMonth;
  // Where RunPod tells what is spent it knows of more than pods.
  const running = money.spendPerHour ?? pods.filter(isPaid).reduce((all, p) => all + (p.cost ?? 0), 0);
  return fundsOf(money.balance, Math.max(running, storage), client.free);
}

/** How long a balance lasts, and a sentence when that is not long. */
export function fundsOf(balance: number, burn: number, free = false): Funds {
  const hoursLeft = burn > 0 ? Math.max(0, balance) / burn : null;
  const low = balance < halfCent || (hoursLeft !== null && hoursLeft < lowHours);
  const lasts = hoursLeft === null ? '' : `, which lasts ${roughly(hoursLeft * 3600)} (${pricePerHour(burn, free)})`;
  const warning = `The balance is ${balance < halfCent ? 'used up' : `${dollars(balance)}${lasts}`}. At 0 RunPod stops every pod in the middle of its work and goes on charging for volumes: add funds, or end what is not needed.`;
  return { balance, burn, hoursLeft, warning: low ? warning : null };
}

/** What cannot be had is not shown. */
async function optional<T>(ask: () => Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  try {
    return await ask();
  } catch {
    throwIfCancelled(signal);
    return undefined;
  }
}
