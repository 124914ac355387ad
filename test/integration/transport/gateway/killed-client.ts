// A client that works through a gateway for ever: the test kills it.
import { withGateway } from '../../../../src/core/transport/gateway/gateway.ts';
import { atWork, givenInstallation } from '../../../support/killed-client.ts';

const installation = givenInstallation();
const volume = (await installation.client.volumes.list()).find((v) => v.id === process.env.VOLUME);
if (volume === undefined) {
  throw new Error('The volume is not there.');
}
await withGateway(
  installation,
  {
    volume,
    name: 'rpt-killed',
    purpose: 'sync',
    project: 'test',
    confirm: () => Promise.resolve(true),
    onEvent: () => undefined,
  },
  async ({ connection }) => {
    atWork();
    await connection.exec(['sleep', '1000']);
  },
);
