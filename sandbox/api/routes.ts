import type { Clock } from '../clock.ts';
import type { Ledger } from '../ledger.ts';
import type { Pods } from '../pods/manager.ts';
import type { PodKeyRights } from '../options.ts';
import { Problem } from '../problem.ts';
import * as schemas from '../schemas.ts';
import { validate } from '../validate.ts';
import type { Account } from './account.ts';
import type { Billing } from './billing.ts';
import type { Catalog } from './catalog.ts';
import type { Endpoints } from './endpoints.ts';
import { answerGraphql } from './graphql.ts';
import { streamLogs } from './logs.ts';
import { Router, type Answer } from './router.ts';
import type { Volumes } from './volumes.ts';

export interface Services {
  pods: Pods;
  volumes: Volumes;
  endpoints: Endpoints;
  account: Account;
  catalog: Catalog;
  billing: Billing;
  ledger: Ledger;
  clock: Clock;
}

const ok = (body: unknown): Answer => ({ status: 200, body });
const created = (body: unknown): Answer => ({ status: 201, body });
const noContent: Answer = { status: 204 };

/** The table of everything that the API answers. */
export function makeRouter(services: Services): Router {
  const { pods, volumes, endpoints, account, catalog, billing, clock } = services;
  const router = new Router();
  const id = (params: Record<string, string>): string => params.id ?? '';

  router.add('GET', '/v2/pods', ({ query }) => ok(pods.list(query)));
  router.add('POST', '/v2/pods', ({ body }) =>
    created(pods.view(pods.create(validate(schemas.createPod, body, true)))),
  );
  router.add('GET', '/v2/pods/:id', ({ params }) => ok(pods.view(pods.find(id(params)))));
  router.add('PATCH', '/v2/pods/:id', ({ params, body }) => {
    pods.find(id(params));
    return ok(pods.view(pods.update(id(params), validate(schemas.updatePod, body))));
  });
  router.add('DELETE', '/v2/pods/:id', ({ params }) => {
    pods.terminate(id(params));
    return noContent;
  });
  router.add('POST', '/v2/pods/:id/action', ({ params, body }) => {
    pods.find(id(params));
    const { action } = validate(schemas.podAction, body);
    const pod = pods.act(id(params), action);
    return action === 'terminate' ? noContent : ok(pods.view(pod));
  });
  router.add('GET', '/v2/pods/:id/logs', ({ params, query, request, response }) => {
    streamLogs(pods.find(id(params)).log, query, request, response);
    return 'streaming';
  });

  router.add('GET', '/v2/network-volumes', () => ok(volumes.list()));
  router.add('POST', '/v2/network-volumes', ({ body }) =>
    created(volumes.create(validate(schemas.createVolume, body))),
  );
  router.add('GET', '/v2/network-volumes/:id', ({ params }) => ok(volumes.get(id(params))));
  router.add('PATCH', '/v2/network-volumes/:id', ({ params, body }) =>
    ok(volumes.update(id(params), validate(schemas.updateVolume, body))),
  );
  router.add('DELETE', '/v2/network-volumes/:id', async ({ params }) => {
    await volumes.delete(id(params), pods.attached(id(params)));
    return noContent;
  });

  router.add('GET', '/v2/serverless', ({ query }) => ok(endpoints.list(query)));
  router.add('POST', '/v2/serverless', ({ body }) =>
    created(endpoints.create(validate(schemas.createEndpoint, body, true))),
  );
  router.add('GET', '/v2/serverless/:id', ({ params }) => ok(endpoints.get(id(params))));
  router.add('PATCH', '/v2/serverless/:id', ({ params, body }) => {
    endpoints.get(id(params));
    return ok(endpoints.update(id(params), validate(schemas.updateEndpoint, body)));
  });
  router.add('DELETE', '/v2/serverless/:id', ({ params }) => {
    endpoints.delete(id(params));
    return noContent;
  });

  router.add('GET', '/v2/catalog/datacenters', ({ query }) => ok(catalog.dataCenters(query)));
  router.add('GET', '/v2/catalog/datacenters/:id', ({ params, query }) => ok(catalog.dataCenter(id(params), query)));
  router.add('GET', '/v2/catalog/gpus', ({ query }) => ok(catalog.gpus(query)));
  router.add('GET', '/v2/catalog/gpus/:id', ({ params, query }) => ok(catalog.gpu(id(params), query)));
  router.add('GET', '/v2/catalog/cpus', ({ query }) => ok(catalog.cpus(query)));
  router.add('GET', '/v2/catalog/cpus/:id', ({ params, query }) => ok(catalog.cpu(id(params), query)));

  router.add('GET', '/v2/billing', ({ query }) => ok(billing.all(query)));
  router.add('GET', '/v2/billing/pods', ({ query }) => ok(billing.pods(query)));
  router.add('GET', '/v2/billing/network-volumes', ({ query }) => ok(billing.volumes(query)));

  router.add('GET', '/v2/account/ssh-keys', () => ok({ keys: account.sshKeys }));
  router.add('PUT', '/v2/account/ssh-keys', ({ body }) => ok(account.setSshKeys(validate(schemas.sshKeys, body).keys)));
  router.add('GET', '/v2/account/secrets', ({ query }) => ok(account.secrets(query.get('name'))));
  router.add('POST', '/v2/account/secrets', ({ body }) =>
    created(account.createSecret(validate(schemas.createSecret, body), clock.iso())),
  );
  router.add('GET', '/v2/account/secrets/:id', ({ params }) => ok(account.secret(id(params))));
  router.add('PATCH', '/v2/account/secrets/:id', ({ params, body }) =>
    ok(account.updateSecret(id(params), validate(schemas.updateSecret, body), clock.iso())),
  );
  router.add('DELETE', '/v2/account/secrets/:id', ({ params }) => {
    account.deleteSecret(id(params));
    return noContent;
  });

  router.add('POST', '/graphql', ({ body, caller }) => ok(answerGraphql(body, caller, services.ledger)));
  return router;
}

/** What a restricted key with the right to read and write pods may do: nothing else. GraphQL answers for itself. */
export function checkRestrictedKey(path: string): void {
  if (path !== '/graphql' && !/^\/v2\/pods(\/|$)/.test(path)) throw new Problem(403, 'access denied');
}

/** What a pod's own key may do: act on itself, nothing else. Reads are refused even of itself. */
export function checkPodKey(rights: PodKeyRights, podId: string, method: string, path: string): void {
  if (rights === 'invalid') throw new Problem(401, 'invalid bearer token');
  const own = `/v2/pods/${podId}`;
  const acting = (method === 'DELETE' && path === own) || (method === 'POST' && path === `${own}/action`);
  if (path !== '/graphql' && (rights === 'none' || !acting)) throw new Problem(403, 'access denied');
}
