import { join } from 'node:path';
import { takeLock, type LockOptions } from '../files/lock.ts';
import type { Project } from '../project/schema.ts';
import { dayLeft, wholeDay, type DayLeft } from './cap.ts';
import { knownPods, type CostSource } from './known-pods.ts';
import { dayOf, spent, stretchesOf } from './stretches.ts';

/**
 * What the caps of the day leave of it, by the jobs that this computer started and by the project's pods of other
 * computers that are there now. Asks nobody when the project has no such cap.
 * @throws UserError `cap-day` when nothing is left.
 */
export async function leftToday(
  source: CostSource,
  project: Pick<Project, 'name' | 'caps'>,
  signal?: AbortSignal,
): Promise<DayLeft> {
  const { caps } = project;
  return caps.dollarsPerDay === undefined && caps.hoursPerDay === undefined
    ? wholeDay
    : dayLeft(caps, await usedToday(source, project.name, signal));
}

/** What is left of the day for a job that is being started, and nobody else's until `release`. */
export interface DayTaken {
  left: DayLeft;
  /** May be called again. */
  release: () => Promise<void>;
}

/**
 * The same for a start: until its pod is rented and noted in its record, other starts of the project on this computer
 * wait, so that no two are given the same money.
 * @throws UserError `cap-day` when nothing is left, CancelledError.
 */
export async function takeDay(
  source: CostSource,
  project: Pick<Project, 'name' | 'caps'>,
  options: LockOptions = {},
): Promise<DayTaken> {
  const { dollarsPerDay, hoursPerDay } = project.caps;
  if (dollarsPerDay === undefined && hoursPerDay === undefined) {
    return { left: wholeDay, release: () => Promise.resolve() };
  }
  const release = await takeLock(join(source.home, 'locks', `day-${project.name}`), options);
  try {
    return { left: await leftToday(source, project, options.signal), release };
  } catch (error) {
    await release();
    throw error;
  }
}

/**
 * USD and hours of a project's pods on this day, as everybody is shown them, with the most that what runs was promised and
 * that a pod whose end nobody saw can have cost: so no two jobs are given the same money.
 */
export async function usedToday(
  source: CostSource,
  project: string,
  signal?: AbortSignal,
): Promise<{ dollars: number; hours: number }> {
  const facts = await knownPods(source, await source.client.pods.list(signal));
  const own = stretchesOf(facts).filter(({ use }) => use.project === project);
  const { mostDollars, mostSeconds } = spent(own, dayOf(facts.now));
  return { dollars: mostDollars, hours: mostSeconds / 3600 };
}
