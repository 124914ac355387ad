import type { Hardware } from '../account-facts.ts';
import type { Check } from '../check.ts';
import type { Facts } from '../facts.ts';
import type { Say } from '../finding.ts';
import { shortName } from '../../../pods/hardware.ts';
import type { Remedy } from '../../../remedy.ts';
import { nearest } from '../../../project/nearest.ts';
import { some } from '../text.ts';

export const hardware: Check = {
  id: 'hardware',
  title: 'GPU or CPU type, stock and price',
  run: async (facts, say) => {
    if (!facts.rentsPod) {
      return;
    }
    const { target } = facts.project;
    const vcpus = target.cpu?.vcpuCount;
    if (vcpus !== undefined && (vcpus & (vcpus - 1)) !== 0) {
      say.error('vcpus', {
        what: `A pod cannot have ${vcpus} vCPUs.`,
        why: 'RunPod takes powers of two only: 2, 4, 8, 16, 32.',
        next: `Use ${2 ** Math.ceil(Math.log2(vcpus))}.`,
        at: facts.place('target', 'cpu', 'vcpuCount'),
      });
      return;
    }
    const all = await facts.account.hardware();
    const known = all.filter((h) => h.gpu !== undefined || h.cpu !== undefined);
    await unknownTypes(facts, say, all);
    const usable = known.filter((h) => fits(facts, say, h));
    await stock(facts, say, usable);
    const priceless = usable.filter((h) => h.costPerHour === null && h.stock !== 'NONE');
    if (priceless.length > 0) {
      say.warning('price-unknown', {
        what: `RunPod tells no price for ${some(priceless.map((h) => shortName(h.id)))}.`,
        why: 'Without a price a cap in dollars holds nothing.',
        next: 'Set "caps.hours" as well, or use another type.',
        at: priceless[0]?.at ?? [],
      });
    }
  },
};

async function unknownTypes(facts: Facts, say: Say, all: Hardware[]): Promise<void> {
  const missing = all.filter((h) => h.gpu === undefined && h.cpu === undefined);
  if (missing.length === 0) {
    return;
  }
  const { cpu } = facts.project.target;
  const catalog = cpu === undefined ? await facts.account.gpus(undefined) : await facts.account.cpus(cpu.vcpuCount);
  const ids = catalog.map((t) => t.id);
  for (const { id, at } of missing) {
    const near = similar(id, ids);
    say.error('hardware-unknown', {
      what: `RunPod has no ${cpu === undefined ? 'GPU' : 'CPU'} type "${id}".`,
      why: 'Types are asked for by their exact id.',
      next: near === undefined ? `Use one of: ${some(ids, 8)}.` : `Did you mean "${near}"?`,
      at: facts.place(...at),
      ...(near !== undefined && {
        fix: { title: `Use ${near}`, command: 'set-value' as const, args: { path: facts.place(...at), value: near } },
      }),
    });
  }
}

/** By spelling, else by the words with digits, which are what people remember: `RTX 4090`. */
function similar(id: string, ids: string[]): string | undefined {
  const model = id
    .match(/[A-Za-z]*\d+[A-Za-z]*/g)
    ?.at(-1)
    ?.toLowerCase();
  return (
    nearest(id, ids) ??
    (model === undefined ? undefined : ids.find((i) => i.toLowerCase().split(/\s+/).includes(model)))
  );
}

/** Whether a type can carry this pod at all. */
function fits(facts: Facts, say: Say, { id, at, gpu }: Hardware): boolean {
  const count = facts.project.target.gpuCount;
  if (gpu === undefined) {
    return true;
  }
  if (gpu.secure === false || gpu.price?.secure === 0) {
    say.error('not-secure', {
      what: `${shortName(id)} is not offered in the Secure Cloud.`,
      why: 'Network volumes exist in the Secure Cloud only.',
      next: 'Use another GPU type.',
      at: facts.place(...at),
    });
    return false;
  }
  const most = gpu.maxCount?.secure ?? null;
  if (most !== null && count > most) {
    say.error('gpu-count', {
      what: `A pod can have at most ${most} × ${shortName(id)}, not ${count}.`,
      why: 'All GPUs of a pod are in one machine.',
      next: `Set "target.gpuCount" to ${most} or less.`,
      at: facts.place('target', 'gpuCount'),
    });
    return false;
  }
  return true;
}

async function stock(facts: Facts, say: Say, usable: Hardware[]): Promise<void> {
  if (usable.length === 0) {
    return;
  }
  const { cpu, minCuda } = facts.project.target;
  const dataCenter = await facts.account.dataCenter();
  const free = usable.filter((h) => h.stock !== 'NONE');
  const at = cpu === undefined ? facts.place('target', 'gpus') : facts.place('target', 'cpu', 'id');
  const list = some(
    usable.map((h) => shortName(h.id)),
    4,
  );
  if (free.length === 0) {
    const held = minCuda !== undefined && cpu === undefined && (await freeWithoutFloor(facts, usable, dataCenter));
    const elsewhere = [
      ...new Set(
        usable
          .flatMap((h) => (h.gpu ?? h.cpu)?.dataCenters ?? [])
          .filter((d) => d.availability !== 'NONE')
          .map((d) => d.id),
      ),
    ];
    say.error(held ? 'cuda-no-hosts' : 'no-stock', {
      what: held
        ? `${list}: free in ${dataCenter}, but on no host with CUDA ${minCuda} or newer.`
        : `None of ${list} is free in ${dataCenter} at the moment.`,
      why: `The volume is in ${dataCenter}, so the pod must be there too.`,
      next: `Add more types${held ? ', or lower "target.minCuda" together with the image' : ''}, try again later${elsewhere.length > 0 ? `, or use a volume where they are free: ${some(elsewhere, 5)}` : ''}.`,
      at,
      ...(elsewhere.length > 0 && {
        remedies: await elsewhereRemedies(facts, elsewhere),
      }),
    });
  } else if (free.every((h) => h.stock === 'LOW')) {
    say.warning('low-stock', {
      what: `${dataCenter} has little left of ${some(free.map((h) => shortName(h.id)))}.`,
      why: 'The catalog is a hint: RunPod may still refuse the pod, and then nothing is charged.',
      next: 'Add another type that would do, in order of preference.',
      at,
    });
  }
}

/** A volume that is there can be moved; one that is to be made is made in another place. */
async function elsewhereRemedies({ account, projectFile }: Facts, elsewhere: readonly string[]): Promise<Remedy[]> {
  const volume = await account.volumePlan();
  const to = elsewhere[0];
  return [
    ...(volume.exists && to !== undefined ? [{ do: 'move' as const, volume: volume.volume.id, to }] : []),
    { do: 'regions', file: projectFile },
  ];
}

async function freeWithoutFloor(facts: Facts, usable: Hardware[], dataCenter: string): Promise<boolean> {
  const catalog = await facts.account.gpus(undefined).catch(() => []);
  return usable.some((h) =>
    catalog.find((g) => g.id === h.id)?.dataCenters.some((d) => d.id === dataCenter && d.availability !== 'NONE'),
  );
}
