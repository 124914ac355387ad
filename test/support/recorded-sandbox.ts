import { startSandbox, type RequestSeen, type Sandbox, type SandboxOptions } from '../../sandbox/index.ts';

/** A sandbox, and every request that reached its API, in order. */
export interface RecordedSandbox {
  sandbox: Sandbox;
  requests: RequestSeen[];
}

/** Starts a sandbox that writes down the requests before its own faults see them. */
export async function startRecordedSandbox(options: SandboxOptions): Promise<RecordedSandbox> {
  const requests: RequestSeen[] = [];
  const { faults, ...rest } = options;
  const sandbox = await startSandbox({
    ...rest,
    faults: {
      ...faults,
      request: (seen) => {
        requests.push(seen);
        return faults?.request?.(seen);
      },
    },
  });
  return { sandbox, requests };
}
