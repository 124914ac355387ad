import { pricePerHour } from '../../words/index.ts';
import { UserError } from '../../errors.ts';

export const routeKinds = ['s3', 'ssh', 'gateway'] as const;
/** `s3`: straight to the volume; `ssh`: to a pod that runs with it; `gateway`: to a small pod rented for this. */
export type RouteKind = (typeof routeKinds)[number];
/** The route after a verb: sent over S3. */
export const routeWords = { s3: 'over S3', ssh: 'through a running pod', gateway: 'through a rented pod' } as const;

export interface RouteChoice {
  kind: RouteKind;
  available: boolean;
  /** A sentence: why it is chosen, not chosen, or not to be had. */
  reason: string;
}

export interface Route extends RouteChoice {
  /** A sentence about money. */
  price: string;
  /** The pod of the route `ssh`. */
  podId: string | null;
  /** The other routes. */
  alternatives: RouteChoice[];
}

/** What the choice of a route depends on. */
export interface Surroundings {
  /** False when RunPod could not be asked; then nothing below is more than a memory. */
  asked: boolean;
  volume: { id: string | null; name: string; dataCenter: string | null };
  s3: {
    /** Whether the volume's data center has the S3 API; `unknown` where no table and no probe says. */
    endpoint: 'yes' | 'no' | 'unknown';
    /** Whether this installation has S3 keys. */
    keys: boolean;
  };
  /** Pods that run with the volume and can be reached over SSH, best first. */
  pods: { id: string; name: string; costPerHour: number | null }[];
  /** The cheapest pod that could carry the files; null when none is free; undefined when nobody asked. */
  gateway?: { label: string; kind: 'cpu' | 'gpu'; costPerHour: number | null } | null | undefined;
  /** Whether nothing that is rented is charged. */
  free: boolean;
}

/** So many files, small on average, are better packed into one stream than sent one by one. */
const manyFiles = 500;
/** Bytes a file on average below which files count as small. */
const smallAverage = 256 * 1024;

/**
 * Chooses how files reach the volume and says why. Throws `route-unavailable` when the one that was asked for is not to
 * be had. Without one, and when none is to be had, the answer is a gateway that is not available.
 */
export function chooseRoute(around: Surroundings, load: { files: number; bytes: number }, wanted?: RouteKind): Route {
  const options = [s3(around), ssh(around), gateway(around)];
  const of = (kind: RouteKind): RouteChoice => options.find((option) => option.kind === kind) ?? gateway(around);
  if (wanted !== undefined) {
    const asked = of(wanted);
    // An endpoint that no table names may exist all the same; who asks for it may find out.
    const mayTry = !around.asked || (wanted === 's3' && around.s3.endpoint === 'unknown' && around.s3.keys);
    if (!asked.available && !mayTry) {
      throw unavailable(asked, options);
    }
    const reason = mayTry ? `Asked for. ${asked.reason}` : 'Asked for.';
    return finished(around, { kind: wanted, available: true, reason }, options);
  }
  const { kind, reason } = best(of, load);
  return finished(around, { ...of(kind), reason }, options);
}

function best(
  of: (kind: RouteKind) => RouteChoice,
  load: { files: number; bytes: number },
): { kind: RouteKind; reason: string } {
  const [overS3, overSsh, overGateway] = [of('s3'), of('ssh'), of('gateway')];
  const manySmall = load.files >= manyFiles && load.bytes / load.files < smallAverage;
  if (overSsh.available && manySmall) {
    const reason = `${overSsh.reason} ${load.files} small files go there as one stream; over S3 each would be a request of its own.`;
    return { kind: 'ssh', reason };
  }
  if (overS3.available && overSsh.available) {
    return {
      kind: 's3',
      reason: `${overS3.reason} Large files go in parts side by side, and a running pod is not needed.`,
    };
  }
  if (overS3.available) {
    return { kind: 's3', reason: `${overS3.reason} No pod has to run for it.` };
  }
  return overSsh.available
    ? { kind: 'ssh', reason: `${overSsh.reason} ${overS3.reason}` }
    : { kind: 'gateway', reason: [...new Set([overS3, overSsh, overGateway].map((o) => o.reason))].join(' ') };
}

const notAsked = 'RunPod was not asked, since there is no API key here.';

function s3({ asked, volume, s3: { endpoint, keys } }: Surroundings): RouteChoice {
  const where = volume.dataCenter ?? 'the data center of the volume';
  if (endpoint === 'no') {
    return { kind: 's3', available: false, reason: `${sentence(where)} has no S3 API.` };
  }
  if (!asked) {
    return { kind: 's3', available: false, reason: notAsked };
  }
  if (!keys) {
    const reason = 'There are no S3 keys on this machine (RunPod console, Settings, S3 API Keys).';
    return { kind: 's3', available: false, reason };
  }
  return endpoint === 'unknown'
    ? { kind: 's3', available: false, reason: `Whether ${where} has the S3 API is not known.` }
    : { kind: 's3', available: true, reason: `${sentence(where)} has the S3 API and there are keys for it.` };
}

function ssh({ asked, pods: [pod], volume }: Surroundings): RouteChoice {
  if (!asked) {
    return { kind: 'ssh', available: false, reason: notAsked };
  }
  return pod === undefined
    ? { kind: 'ssh', available: false, reason: `No pod runs with the volume ${volume.name}.` }
    : { kind: 'ssh', available: true, reason: `The pod ${pod.name} runs with this volume.` };
}

function gateway({ asked, gateway: offer, volume }: Surroundings): RouteChoice {
  if (!asked) {
    return { kind: 'gateway', available: false, reason: notAsked };
  }
  const where = volume.dataCenter ?? 'the data center of the volume';
  if (offer === undefined) {
    return { kind: 'gateway', available: true, reason: 'A small pod can be rented to carry the files.' };
  }
  if (offer === null) {
    return { kind: 'gateway', available: false, reason: `No pod that could carry the files is free in ${where} now.` };
  }
  const kind = offer.kind === 'gpu' ? ', since no CPU pod is free there' : '';
  return { kind: 'gateway', available: true, reason: `A ${offer.label} is rented to carry the files${kind}.` };
}

function finished(around: Surroundings, chosen: RouteChoice, options: RouteChoice[]): Route {
  return {
    ...chosen,
    price: priceOf(around, chosen),
    podId: chosen.kind === 'ssh' ? (around.pods[0]?.id ?? null) : null,
    alternatives: options.filter((option) => option.kind !== chosen.kind),
  };
}

function priceOf({ pods, gateway: offer, free }: Surroundings, { kind, available }: RouteChoice): string {
  if (kind === 's3') {
    return 'Free: RunPod charges nothing for S3 requests and traffic.';
  }
  if (kind === 'ssh') {
    const price = pods[0]?.costPerHour;
    return `Nothing extra: the pod runs already${price == null ? '' : ` at ${pricePerHour(price, free)}`}.`;
  }
  if (!available) {
    return 'Nothing can be rented, so nothing is spent.';
  }
  return offer?.costPerHour == null
    ? 'The pod costs money while it runs; its price is asked about before it is rented.'
    : `${pricePerHour(offer.costPerHour, free)} while the pod runs; it ends with the transfer.`;
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function unavailable(asked: RouteChoice, options: RouteChoice[]): UserError {
  const others = options.filter((option) => option.available).map((option) => routeWords[option.kind]);
  return new UserError('route-unavailable', {
    what: `The files cannot go ${routeWords[asked.kind]}.`,
    why: asked.reason,
    next:
      others.length === 0 ? 'Try again later.' : `Leave the choice to the plan, or send them ${others.join(' or ')}.`,
  });
}
