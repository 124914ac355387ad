import type { EndpointOptions } from '../../s3/endpoints.ts';
import type { Availability, Volume } from '../../runpod/schemas.ts';
import type { BootHistory } from '../../journal/boots.ts';

/** What a project needs of a data center. */
export interface AdviceRequest {
  /** GPU types in order of preference, by RunPod id; without any, every type counts. */
  gpus?: readonly string[] | undefined;
  gpuCount?: number | undefined;
  /** Lowest CUDA version of the host driver. */
  minCuda?: string | undefined;
  /** A project that wants a CPU pod; its stock counts in place of the GPUs'. */
  cpu?: { id: string; vcpuCount: number } | undefined;
  /** Bytes that the project uploads. */
  dataBytes: number;
  /** The project's volume where it exists: a pod can only be where that is. */
  volume?: Pick<Volume, 'id' | 'name' | 'dataCenter' | 'size'> | undefined;
  s3?: EndpointOptions | undefined;
  /** What a live probe of S3 said, by data center; it comes before the table. */
  probed?: Readonly<Record<string, 'yes' | 'no' | 'unknown'>> | undefined;
}

export interface Hardware {
  kind: 'gpu' | 'cpu';
  id: string;
  /** For people: `RTX 4090`, `2 × H100`. */
  label: string;
  /** Whether the project names it. */
  wanted: boolean;
  stock: Availability;
  /** USD for the whole pod; null when the catalog does not tell. */
  pricePerHour: number | null;
  /** GB of each GPU; null for a CPU pod and when not told. */
  memoryGb: number | null;
}

export interface S3Answer {
  answer: 'yes' | 'no' | 'unknown';
  source: 'table' | 'setting' | 'probe';
}

export interface RegionRow {
  dataCenter: string;
  /** For people: `US Maryland 1`. */
  name: string;
  /** Whether a volume can be created there today. */
  canCreateVolume: boolean;
  /** Tiers of new volumes, as RunPod names them. */
  volumeTiers: string[];
  s3: S3Answer;
  /** What the project wants, in its order and also when there is none, then what else is in stock, cheapest first. */
  gpus: Hardware[];
  bootHistory: BootHistory | null;
  /** From 1. */
  rank: number;
  /** A sentence. */
  reason: string;
}

/** Ways on when nothing that the project wants is free where it has to be. */
export interface NoStock {
  dataCenter: string;
  /** The cheapest GPU in stock there with at least the memory of the smallest that is wanted. */
  nextAcceptable: (Hardware & { text: string }) | null;
  /** What `waitForStock` waits for. */
  tellWhenFree: StockWish & { text: string };
  /** The best data center that has what is wanted. */
  moveVolume: { to: string; text: string } | null;
}

/** Hardware that is waited for in one data center. */
export interface StockWish {
  dataCenter: string;
  gpus: string[];
  gpuCount: number;
  minCuda: string | null;
  cpu: { id: string; vcpuCount: number } | null;
}

export interface Advice {
  /** Every data center, the best first. */
  rows: RegionRow[];
  /** Id of the data center to use; null when no volume can be created anywhere. */
  recommended: string | null;
  /** Size for a new volume in GB. */
  sizeGb: number;
  /** Why that size, what it costs, and that the region is for good. */
  sizeText: string;
  noStock?: NoStock;
  /** Whether nothing that is rented is charged. */
  free: boolean;
  /** ISO time; stock changes within minutes. */
  at: string;
}
