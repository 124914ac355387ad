import { Problem } from './problem.ts';

/** What a fault may look at before a request reaches its route. */
export interface RequestSeen {
  method: string;
  /** Path with its `/v2` or `/graphql`. */
  path: string;
  /** `account`, `restricted`, or the id of the pod whose key was used. */
  caller: string;
}

/** Hooks at the two places where everything passes: requests and container starts. */
export interface Faults {
  /** Returns a problem to answer instead of serving the request; may wait to delay it. */
  request?: (seen: RequestSeen) => Promise<Problem | undefined> | Problem | undefined;
  /** Runs before a pod's container starts; may wait to delay it, a returned sentence makes the pod an ERROR. */
  podStart?: (pod: { id: string; name: string }) => Promise<string | undefined> | string | undefined;
}

/** Selects requests; an omitted field means any. */
export interface RequestFilter {
  method?: string;
  path?: RegExp;
}

interface Counted extends RequestFilter {
  times: number;
}

/** What requests meet instead of an answer, switched on and off by tests. */
export class RequestFaults {
  readonly #failures: (Counted & { status: number; detail: string; retryAfter: number | undefined })[] = [];
  readonly #lost: Counted[] = [];
  readonly #unmeant: Counted[] = [];
  readonly #pages: Counted[] = [];
  #slowMs = 0;

  /** The next `times` requests that the filter selects are refused with this status, undone. */
  fail(status: number, how: RequestFilter & { times?: number; detail?: string; retryAfter?: number } = {}): void {
    const { times = Infinity, detail = 'the service is not available', retryAfter, ...filter } = how;
    this.#failures.push({ ...filter, times, status, detail, retryAfter });
  }

  /** The next `times` requests that the filter selects are carried out, but their connection breaks before the answer. */
  loseAnswers(how: RequestFilter & { times?: number } = {}): void {
    this.#lost.push({ times: Infinity, ...how });
  }

  /** The next `times` deletions that the filter selects are answered 204 as if they were carried out, and are not. */
  answerUndone(how: RequestFilter & { times?: number } = {}): void {
    this.#unmeant.push({ times: Infinity, ...how, method: 'DELETE' });
  }

  /** The next `times` requests that the filter selects get a 404 of something between, a page and no problem document. */
  answerNotFound(how: RequestFilter & { times?: number } = {}): void {
    this.#pages.push({ times: Infinity, ...how });
  }

  /** Holds every request back for so many milliseconds. */
  slow(ms: number): void {
    this.#slowMs = ms;
  }

  restore(): void {
    this.#failures.length = 0;
    this.#lost.length = 0;
    this.#unmeant.length = 0;
    this.#pages.length = 0;
    this.#slowMs = 0;
  }

  /** Waits where answers are slow; the problem that this request meets, if any. */
  async check(seen: RequestSeen): Promise<Problem | undefined> {
    if (this.#slowMs > 0) await new Promise((resolve) => setTimeout(resolve, this.#slowMs));
    const found = take(this.#failures, seen);
    if (found === undefined) return undefined;
    const { status, detail, retryAfter } = found;
    return new Problem(
      status,
      detail,
      retryAfter === undefined ? {} : { headers: { 'Retry-After': String(retryAfter) } },
    );
  }

  /** What is answered in place of the API, and the request is not carried out. */
  insteadOf(seen: RequestSeen): 'done' | 'not found page' | undefined {
    if (take(this.#pages, seen) !== undefined) return 'not found page';
    return take(this.#unmeant, seen) === undefined ? undefined : 'done';
  }

  /** Whether the answer to this request gets lost. */
  loses(seen: RequestSeen): boolean {
    return take(this.#lost, seen) !== undefined;
  }
}

function take<T extends Counted>(list: T[], seen: RequestSeen): T | undefined {
  const found = list.find(
    ({ method, path, times }) =>
      times > 0 && (method === undefined || method === seen.method) && (path === undefined || path.test(seen.path)),
  );
  if (found !== undefined) found.times -= 1;
  return found;
}

/** How containers start badly, switched on and off by tests; each holds for the starts to come. */
export interface StartFaults {
  /** The container's program ends at once, every time it is started. */
  crashLoop: boolean;
  /** RUNNING for ever, but port 22 is never mapped. */
  noPort: boolean;
  /** Room on the container disk in bytes; undefined: as the machine has it. Root only. */
  diskBytes?: number | undefined;
}
