import { ageText, count, helperText, priced, pricePerHour, pricePerMonth } from '../../core/words/index.ts';
import type { Radar, RadarEndpoint, RadarPod } from '../../core/guards/radar/index.ts';
import { caps, type RadarPage } from '../../messages/overview.ts';
import { plainText, timeText } from '../common/text.ts';

/** Pods and endpoints that cost money and that no job is known to need. */
export interface Unowned {
  pods: RadarPod[];
  endpoints: RadarEndpoint[];
}

export function unownedOf({ pods, endpoints }: Radar): Unowned {
  return { pods: pods.filter(isUnowned), endpoints: endpoints.filter(isUnowned) };
}

function isUnowned(seen: RadarPod | RadarEndpoint): boolean {
  const { costPerHour, needed, owner, idle } = seen;
  if ('pod' in seen && seen.action.how === 'none') {
    return false;
  }
  const costs = costPerHour === null || costPerHour > 0 || ('pod' in seen && seen.diskPerMonth > 0);
  return costs && needed !== 'yes' && (owner !== 'job' || idle !== undefined);
}

/** `2 pods that no job of this computer needs cost $1.48/h: a, b.`; undefined when there is nothing. */
export function unownedText({ pods, endpoints }: Unowned, free: boolean): string | undefined {
  const all = [...pods, ...endpoints];
  if (all.length === 0) {
    return undefined;
  }
  const perHour = all.reduce((sum, p) => sum + (p.costPerHour ?? 0), 0);
  const perMonth = pods.reduce((sum, p) => sum + p.diskPerMonth, 0);
  const disks = perMonth > 0 ? ` and ${pricePerMonth(perMonth, false)} for disks` : '';
  const names = all.slice(0, 3).map((p) => ('pod' in p ? p.pod.name : p.endpoint.name));
  const more = all.length > 3 ? ` and ${all.length - 3} more` : '';
  const what = [
    ...(pods.length === 0 ? [] : [count(pods.length, 'pod')]),
    ...(endpoints.length === 0 ? [] : [count(endpoints.length, 'endpoint')]),
  ].join(' and ');
  return plainText(
    `${what} that no job of this computer needs (${priced(`${pricePerHour(perHour, false)}${disks}`, free)}): ${names.join(', ')}${more}.`,
  );
}

export function radarText(seen: Radar): RadarPage {
  const { pods, endpoints, volumes, totalPerHour, perMonthStorage, unpriced, notes, free } = seen;
  const missing = unpriced.length === 0 ? '' : `, without ${unpriced.join(', ')}, whose price is not told`;
  const prices = `pods and endpoints ${pricePerHour(totalPerHour, false)}, storage ${pricePerMonth(perMonthStorage, false)}`;
  const total = `In all: ${priced(prices, free)}`;
  return {
    total: plainText(`${total}${missing}.`),
    unowned: unownedText(unownedOf(seen), free),
    pods: pods.slice(0, caps.rows).map((p) => podLine(p, seen)),
    endpoints: endpoints.slice(0, caps.rows).map((e) => endpointLine(e, seen)),
    volumes: volumes
      .slice(0, caps.rows)
      .map(({ volume, pricePerMonth: perMonth, usedByProjects, lastUsed, attachedTo }) => ({
        name: plainText(volume.name),
        facts: plainText(`${volume.size} GB in ${volume.dataCenter}`),
        price: pricePerMonth(perMonth, free),
        used: plainText(
          [
            usedByProjects.length === 0 ? 'by no job of this computer' : `by ${usedByProjects.join(', ')}`,
            ...(lastUsed === null ? [] : [`last ${timeText(lastUsed)}`]),
            ...(attachedTo.length === 0 ? [] : [`attached to ${attachedTo.join(', ')}`]),
          ].join(', '),
        ),
      })),
    notes: notes.slice(0, caps.lines).map((note) => plainText(note)),
  };
}

function forText(since: string | null, at: string): string {
  return since === null ? '' : `for ${ageText(since, at)}`;
}

function podLine(seen: RadarPod, { at, free }: Radar): RadarPage['pods'][number] {
  const { pod, costPerHour, diskPerMonth, since, idle, action } = seen;
  const where = pod.dataCenter === null ? '' : `in ${pod.dataCenter}`;
  const disk = diskPerMonth > 0 ? ` + ${pricePerMonth(diskPerMonth, false)} for its disk` : '';
  return {
    id: plainText(pod.id, caps.name),
    name: plainText(pod.name),
    facts: plainText(
      [pod.hardware, where, pod.status.toLowerCase(), forText(since, at)].filter((t) => t !== '').join(' · '),
    ),
    price: priced(`${pricePerHour(costPerHour, false)}${disk}`, free),
    owner: plainText(ownerText(seen)),
    idle: idle && plainText(idle.reason),
    unowned: isUnowned(seen),
    action: action.how,
  };
}

function endpointLine(seen: RadarEndpoint, { at, free }: Radar): RadarPage['endpoints'][number] {
  const { endpoint, costPerHour, cost, since, idle, action } = seen;
  const { min, max } = endpoint.workers;
  const facts = ['Serverless', endpoint.hardware, `${min} to ${count(max, 'worker')}`, forText(since, at)];
  return {
    id: plainText(endpoint.id, caps.name),
    name: plainText(endpoint.name),
    facts: plainText(facts.filter((t) => t !== '').join(' · ')),
    price: pricePerHour(costPerHour, free),
    owner: plainText(ownerText(seen)),
    cost: plainText(cost),
    idle: idle && plainText(idle.reason),
    unowned: isUnowned(seen),
    action: action.how,
  };
}

function ownerText(seen: RadarPod | RadarEndpoint): string {
  const { owner, job, idle } = seen;
  const project = job?.project ?? ('pod' in seen ? null : seen.project);
  const name = project ?? job?.id ?? '';
  if ('pod' in seen && seen.helper !== undefined) {
    return `${owner === 'other-machine' ? 'Another' : 'This'} computer: ${helperText(seen.helper)}`;
  }
  switch (owner) {
    case 'job':
      return job === undefined ? `Project ${name}` : `Job of ${name}: ${job.state ?? 'state not known'}`;
    case 'other-machine': {
      // Why it looks unused says how the job ended.
      const state = job?.state == null || idle !== undefined ? '' : `, ${job.state}`;
      return `Another computer's${name === '' ? '' : `: ${name}${state}`}`;
    }
    case 'helper':
      return 'This computer';
    case 'unknown':
      return 'Not of this product';
  }
}
