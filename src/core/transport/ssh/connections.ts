import type { SftpSession } from '../../ssh/index.ts';
import { inParallel } from '../../files/in-parallel.ts';

/** Below this a further connection costs more than it brings: opening one takes many round trips. */
const worthBytes = 64 * 1024 * 1024;
/** One connection fills a line only while the far end is near: 2 MiB are under way at most in each round trip. */
const farMs = 5;
/** More than three connections bring nothing, and servers refuse many that log in at a time. */
const most = 3;

export interface Lanes {
  sessions: readonly SftpSession[];
  /** Whether the far end is so far that compressing pays. */
  far: boolean;
  /** Ends the connections that were opened for this. */
  close: () => void;
}

/** The connections that `bytes` shall move over: one, or up to three when there is much to move and it is far away. */
export async function openLanes(first: SftpSession, bytes: number, limit = most): Promise<Lanes> {
  const far = (await first.roundTrip()) >= farMs;
  const further = far && bytes >= worthBytes ? Math.min(limit, most) - 1 : 0;
  const opened = await Promise.allSettled(Array.from({ length: further }, () => first.another()));
  // Those that were refused are done without.
  const others = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const close = (): void => others.forEach((session) => session.close());
  return { sessions: [first, ...others], far, close };
}

/** Tasks under way on each connection: while one waits for its last answers, another fills the line. */
const tasksPerLane = 2;

/** Runs the tasks in order, each on the connection that is free first. The first rejection stops further ones. */
export async function overLanes(
  { sessions }: Lanes,
  tasks: readonly ((session: SftpSession) => Promise<void>)[],
): Promise<void> {
  const free = sessions.flatMap((session) => Array.from({ length: tasksPerLane }, () => session));
  await inParallel(tasks, free.length, async (task) => {
    const session = free.shift();
    if (session !== undefined) {
      try {
        await task(session);
      } finally {
        free.push(session);
      }
    }
  });
}
