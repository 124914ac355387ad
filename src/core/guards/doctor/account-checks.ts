import type { Remedy } from '../../remedy.ts';
import { isLoopback } from '../../runpod/connection.ts';
import type { Pod } from '../../runpod/schemas.ts';
import { isApiError } from '../../runpod/api-error.ts';
import { podsOf } from '../../pods/of-job.ts';
import { failed, ok, skipped, unknown, type Finding, type Probe, type Visit } from './check.ts';

/** What RunPod's API tells: the key, the pod and its port. */
export const accountProbes: readonly Probe[] = [
  {
    id: 'key',
    title: 'API key',
    needs: [],
    run: async ({ installation }, signal) => {
      await installation.client.account.checkKey(signal);
      return ok(`accepted by ${new URL(installation.restUrl).host}`);
    },
  },
  {
    id: 'pod',
    title: 'Pod',
    needs: ['key'],
    run: async (visit, signal) => {
      if (visit.subject === undefined) {
        return skipped('no pod was named, and no job of this machine has one');
      }
      const pod = await find(visit, signal);
      if (pod === undefined || pod.status === 'TERMINATED') {
        return failed(goneText(visit), ...goneNext(visit));
      }
      visit.pod = pod;
      return stateOf(pod);
    },
  },
  {
    id: 'port',
    title: 'Port 22/tcp',
    needs: ['pod'],
    run: ({ pod }) => Promise.resolve(pod === undefined ? skipped('no pod') : portOf(pod)),
  },
];

async function find({ installation, subject }: Visit, signal: AbortSignal): Promise<Pod | undefined> {
  const { pods } = installation.client;
  if (subject === undefined) {
    return undefined;
  }
  const id = 'pod' in subject ? subject.pod : subject.record.pod?.id;
  try {
    if (id !== undefined) {
      return await pods.get(id, signal);
    }
  } catch (error) {
    if (!isApiError(error, 'not-found', 'invalid')) {
      throw error;
    }
  }
  const all = await pods.list(signal);
  return 'pod' in subject ? all.find((p) => p.name === subject.pod) : podsOf(subject.record, all)[0];
}

function goneText({ subject, installation }: Visit): string {
  if (subject === undefined || 'pod' in subject) {
    return `RunPod knows no pod "${subject?.pod ?? ''}": it was terminated, or it belongs to another account.`;
  }
  const { record } = subject;
  return record.restUrl === installation.restUrl
    ? `The pod of the job ${record.job} is gone.`
    : `The job ${record.job} ran at ${record.restUrl}, but this is ${installation.restUrl}.`;
}

function goneNext({ subject, installation }: Visit): [next: string, remedies?: Remedy[]] {
  if (subject !== undefined && 'record' in subject && subject.record.restUrl !== installation.restUrl) {
    return [
      isLoopback(subject.record.restUrl)
        ? 'That was the sandbox: look from there.'
        : 'Use the key and the address with which that job was started.',
    ];
  }
  const next = 'What it wrote to its volume is still there: bring it home, or run the job again.';
  if (subject === undefined || 'pod' in subject) {
    return [next, [{ do: 'show-jobs' }]];
  }
  const { job, file, profile } = subject.record;
  return [
    next,
    [
      { do: 'fetch', job },
      { do: 'run', file, ...(profile !== undefined && { profile }) },
    ],
  ];
}

function stateOf(pod: Pod): Finding {
  const what = `${pod.name} (${pod.id}) is ${pod.status.toLowerCase()}`;
  switch (pod.status) {
    case 'RUNNING':
      return ok(what);
    case 'EXITED':
      return failed(
        what,
        'It was stopped, from outside or because the balance ran out. Run the job again, which rents another pod; a stopped pod may not find its GPU free when it is started.',
      );
    case 'ERROR':
      return failed(what, 'Its container could not start. Read its log in the RunPod console, then terminate it.');
    default:
      return unknown(what, 'Wait until it runs: pulling a large image takes up to 13 minutes on a new host.');
  }
}

function portOf(pod: Pod): Finding {
  const declared = pod.ports.includes('22/tcp');
  if (!declared) {
    const list = pod.ports.length === 0 ? 'no port' : pod.ports.join(', ');
    return failed(
      `the pod declares ${list}, not 22/tcp`,
      "Create the pod with 22/tcp among its TCP ports; adding it later restarts the container and wipes its disk. RunPod's own SSH proxy carries no files and no commands, so it is no replacement.",
    );
  }
  const { direct } = pod.ssh;
  if (direct === null) {
    return failed(
      '22/tcp is declared, but RunPod has mapped it to no public address',
      'Wait while the image is pulled. After 6 minutes it is a bad host: terminate the pod and start again to get another one.',
    );
  }
  return ok(`mapped to ${direct.host}:${direct.port}`);
}

/** True when the pod is so young that its sshd may still be starting. */
export function isYoung(pod: Pod, now = Date.now()): boolean {
  const since = Date.parse(pod.startedAt ?? pod.createdAt ?? '');
  return now - since < 120_000;
}
