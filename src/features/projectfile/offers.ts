import type { Availability, DataCenter, GpuType } from '../../core/runpod/schemas.ts';
import { s3Endpoint, type EndpointOptions } from '../../core/s3/endpoints.ts';
import { pricePerHour } from '../../core/words/index.ts';

/** A value of the project file that can be chosen, with what tells it from the others. */
export interface Offer {
  value: string;
  /** A few words beside it. */
  detail: string;
  /** Markdown; what there is to know. */
  text: string;
}

const stockWords: Record<Availability, string> = {
  HIGH: 'high stock',
  MEDIUM: 'medium stock',
  LOW: 'low stock',
  NONE: 'no stock',
  UNKNOWN: 'stock not known',
};

/** The GPU types for network volumes; those in stock in the project's data center first, then the cheapest. */
export function gpuOffers(types: readonly GpuType[], dataCenter: string | undefined, free: boolean): Offer[] {
  return types
    .filter((type) => type.secure !== false && type.price?.secure !== 0)
    .map((type) => ({ type, stock: stockIn(type, dataCenter), price: type.price?.secure ?? null }))
    .toSorted(
      (a, b) =>
        Number(a.stock === 'NONE') - Number(b.stock === 'NONE') ||
        (a.price ?? Infinity) - (b.price ?? Infinity) ||
        (a.type.id < b.type.id ? -1 : 1),
    )
    .map(({ type, stock, price }) => {
      const memory = type.memory === null ? [] : [`${type.memory} GB`];
      const where = dataCenter === undefined ? 'anywhere' : `in ${dataCenter}`;
      const elsewhere = type.dataCenters.filter((d) => d.availability !== 'NONE').map((d) => d.id);
      return {
        value: type.id,
        detail: [...memory, pricePerHour(price, free), `${stockWords[stock]} ${where}`].join(' · '),
        text: [
          `**${type.name ?? type.id}**`,
          [...memory, `${pricePerHour(price, free)} for one`].join(', '),
          elsewhere.length === 0 ? 'No data center has it in stock now.' : `In stock now: ${elsewhere.join(', ')}`,
        ].join('\n\n'),
      };
    });
}

function stockIn(type: GpuType, dataCenter: string | undefined): Availability {
  const stocks = type.dataCenters
    .filter(({ id }) => dataCenter === undefined || id === dataCenter)
    .map(({ availability }) => availability);
  return (['HIGH', 'MEDIUM', 'LOW', 'UNKNOWN'] as const).find((stock) => stocks.includes(stock)) ?? 'NONE';
}

/** Often rented types by id and GB, for who is not signed in; read on 2026-10-20. */
const usualGpus: readonly [id: string, memory: number][] = [
  ['NVIDIA GeForce RTX 4090', 24],
  ['NVIDIA GeForce RTX 5090', 32],
  ['NVIDIA L4', 24],
  ['NVIDIA L40S', 48],
  ['NVIDIA A40', 48],
  ['NVIDIA RTX A5000', 24],
  ['NVIDIA RTX A6000', 48],
  ['NVIDIA A100 80GB PCIe', 80],
  ['NVIDIA H100 80GB HBM3', 80],
  ['NVIDIA H200', 141],
];

export const usualGpuOffers: readonly Offer[] = usualGpus.map(([value, memory]) => ({
  value,
  detail: `${memory} GB`,
  text: `${memory} GB. Sign in to see its price, its stock and the other types.`,
}));

/** The data centers in which a volume can be made today; those with S3 first. */
export function dataCenterOffers(centers: readonly DataCenter[], s3: EndpointOptions | undefined): Offer[] {
  return centers
    .filter(({ networkVolumeTypes }) => networkVolumeTypes.length > 0)
    .map((center) => ({ center, hasS3: s3Endpoint(center.id, s3) !== undefined }))
    .toSorted((a, b) => Number(b.hasS3) - Number(a.hasS3) || (a.center.id < b.center.id ? -1 : 1))
    .map(({ center, hasS3 }) => {
      const dear = center.networkVolumeTypes.includes('STANDARD') ? [] : ['only high-performance volumes'];
      return {
        value: center.id,
        detail: [hasS3 ? 'S3' : 'no S3', center.name ?? '', ...dear].filter(Boolean).join(' · '),
        text: [
          `**${center.id}** ${center.name ?? ''}`.trim(),
          hasS3
            ? 'Files travel over S3 while no pod costs money.'
            : 'No S3: files travel over a pod, which costs money meanwhile.',
          ...(dear.length === 0 ? [] : ['It has only high-performance volumes, which cost more.']),
          'A volume stays in its data center for good.',
        ].join('\n\n'),
      };
    });
}

/** Tags of RunPod's own images that were seen on 2026-10-20; the widest choice first. */
export const imageOffers: readonly Offer[] = [
  image('1.0.2-cu1281-torch280-ubuntu2404', 'PyTorch 2.8 · CUDA 12.8', 'Runs on most hosts, with `"minCuda": "12.8"`.'),
  image('1.0.3-cu1281-torch291-ubuntu2404', 'PyTorch 2.9.1 · CUDA 12.8', 'Goes with `"minCuda": "12.8"`.'),
  image(
    '1.0.7-cu1281-torch291-ubuntu2204',
    'PyTorch 2.9.1 · CUDA 12.8 · Ubuntu 22.04',
    'Goes with `"minCuda": "12.8"`.',
  ),
  {
    value: 'runpod/base:1.0.2-ubuntu2404',
    detail: 'no CUDA, for CPU pods',
    text: 'Ubuntu 24.04 with Python and sshd, for pods without a GPU.',
  },
];

function image(tag: string, detail: string, more: string): Offer {
  return { value: `runpod/pytorch:${tag}`, detail, text: `RunPod's own image: it starts sshd. ${detail}.\n\n${more}` };
}
