/** Takes locks when told to, in a process of its own: `{ file, at }` is answered by whether it has the lock. */
import { takeLock } from '../../src/core/files/lock.ts';

process.on('message', ({ file, at }: { file: string; at: number }) => {
  while (Date.now() < at) {
    // All of them at one moment.
  }
  void takeLock(file, { refuse: () => new Error('held') }).then(
    () => process.send?.(true),
    () => process.send?.(false),
  );
});
process.send?.('ready');
