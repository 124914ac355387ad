// A client that holds both pods of a move for ever: the test kills it.
import { planMove, runMove } from '../../../../src/core/volumes/move/move.ts';
import { atWork, givenInstallation } from '../../../support/killed-client.ts';

const { SOURCE: volume = '', TARGET: to = '' } = process.env;
const installation = givenInstallation();
await runMove(installation, await planMove(installation, { volume, to }), {
  confirm: () => Promise.resolve(true),
  onEvent: (event) => {
    if (event.type === 'phase' && event.text === 'Verifying at the target') {
      atWork();
      // Nothing of this process goes on from here.
      for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
    }
  },
});
