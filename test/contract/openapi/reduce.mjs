#!/usr/bin/env node
/**
 * Writes runpod-v2.json: the structural facts of RunPod's OpenAPI document for the routes that this project uses,
 * without any prose. Run it by hand when the platform publishes a new document:
 *   node test/contract/openapi/reduce.mjs path/to/openapi.json
 */
import { readFileSync, writeFileSync } from 'node:fs';

const routes = [
  '/v2/pods',
  '/v2/pods/{id}',
  '/v2/pods/{id}/action',
  '/v2/pods/{id}/logs',
  '/v2/network-volumes',
  '/v2/network-volumes/{id}',
  '/v2/serverless',
  '/v2/serverless/{id}',
  '/v2/catalog/datacenters',
  '/v2/catalog/datacenters/{id}',
  '/v2/catalog/gpus',
  '/v2/catalog/gpus/{id}',
  '/v2/catalog/cpus',
  '/v2/catalog/cpus/{id}',
  '/v2/billing',
  '/v2/billing/pods',
  '/v2/billing/network-volumes',
  '/v2/account/ssh-keys',
];

const dropped = new Set([
  'description',
  'summary',
  'example',
  'examples',
  'title',
  'tags',
  'operationId',
  'externalDocs',
  // Rate limit headers are optional strings on every answer: nothing to check.
  'headers',
]);
/** Below these keys every key is a name that the document defines, not a keyword. */
const namesBelow = new Set(['properties', 'responses', 'content', 'paths']);

function withoutProse(value, namesHere = false) {
  if (Array.isArray(value)) {
    return value.map((item) => withoutProse(item));
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const kept = Object.entries(value).filter(([key]) => namesHere || !(dropped.has(key) || key.startsWith('x-')));
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutProse(item, !namesHere && namesBelow.has(key))]));
}

function references(value, found = new Set()) {
  if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      if (key === '$ref' && typeof item === 'string') {
        found.add(item);
      } else {
        references(item, found);
      }
    }
  }
  return found;
}

const [source] = process.argv.slice(2);
if (!source) {
  throw new Error('Name the OpenAPI document: node test/contract/openapi/reduce.mjs path/to/openapi.json');
}
const full = JSON.parse(readFileSync(source, 'utf8'));
const missing = routes.filter((route) => !full.paths[route]);
if (missing.length > 0) {
  throw new Error(`The document has no ${missing.join(', ')}.`);
}
const paths = withoutProse(Object.fromEntries(routes.map((route) => [route, full.paths[route]])), true);
const components = {};
const seen = new Set();
for (let open = [...references(paths)]; open.length > 0; ) {
  const reference = open.pop();
  if (seen.has(reference)) {
    continue;
  }
  seen.add(reference);
  const [, , section, name] = reference.split('/');
  const component = withoutProse(full.components[section][name]);
  (components[section] ??= {})[name] = component;
  open.push(...references(component));
}
const reduced = { openapi: full.openapi, version: full.info.version, paths, components };
const target = new URL('./runpod-v2.json', import.meta.url);
writeFileSync(target, `${JSON.stringify(reduced, null, 1)}\n`);
