import * as z from 'zod';

interface Expected {
  method: 'get' | 'post' | 'patch' | 'delete';
  /** Below the version. */
  path: string;
  /** Fields of the body that are sent here. */
  sends?: readonly string[];
}

const container = ['image', 'disk', 'env', 'ports', 'mounts'];

/** Everything of the API that this program calls. */
export const expectedApi: readonly Expected[] = [
  { method: 'get', path: '/pods' },
  {
    method: 'post',
    path: '/pods',
    sends: ['name', ...container, 'cloud', 'dataCenterIds', 'startSsh', 'gpu', 'cpu'],
  },
  { method: 'get', path: '/pods/{id}' },
  { method: 'patch', path: '/pods/{id}', sends: ['name'] },
  { method: 'delete', path: '/pods/{id}' },
  { method: 'post', path: '/pods/{id}/action', sends: ['action'] },
  { method: 'get', path: '/pods/{id}/logs' },
  { method: 'get', path: '/network-volumes' },
  { method: 'post', path: '/network-volumes', sends: ['name', 'size', 'dataCenter', 'type'] },
  { method: 'delete', path: '/network-volumes/{id}' },
  { method: 'get', path: '/catalog/datacenters' },
  { method: 'get', path: '/catalog/gpus' },
  { method: 'get', path: '/catalog/cpus' },
  { method: 'get', path: '/billing/pods' },
  { method: 'get', path: '/billing/network-volumes' },
  { method: 'get', path: '/account/ssh-keys' },
];

const documentSchema = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.unknown())),
  components: z.object({ schemas: z.record(z.string(), z.unknown()).default({}) }).default({ schemas: {} }),
});
type ApiDocument = z.infer<typeof documentSchema>;

export interface Comparison {
  /** Operations that are used here and not described. */
  missing: string[];
  /** Fields that are sent here and not described. */
  unknownFields: string[];
  /** Fields that must be sent and are not. */
  newlyRequired: string[];
  /** Operations that are described, ours or not. */
  operations: number;
}

/** Compares a published OpenAPI document with what is used here; undefined when it is none. */
export function compareApi(document: unknown): Comparison | undefined {
  const parsed = documentSchema.safeParse(document);
  if (!parsed.success) {
    return undefined;
  }
  const { data } = parsed;
  const methods = ['get', 'post', 'put', 'patch', 'delete'];
  const result: Comparison = {
    missing: [],
    unknownFields: [],
    newlyRequired: [],
    operations: Object.values(data.paths).reduce(
      (n, p) => n + Object.keys(p).filter((m) => methods.includes(m)).length,
      0,
    ),
  };
  const byPath = new Map(Object.entries(data.paths).map(([path, item]) => [shape(path), item]));
  for (const { method, path, sends } of expectedApi) {
    const name = `${method.toUpperCase()} ${path}`;
    const operation = byPath.get(shape(path))?.[method];
    if (operation === undefined) {
      result.missing.push(name);
    } else if (sends !== undefined) {
      const body = fieldsOf(data, bodyOf(operation));
      // A body of any form describes no field at all, so nothing can be said of it.
      if (body.known.size > 0) {
        result.unknownFields.push(...sends.filter((f) => !body.known.has(f)).map((f) => `${name}: ${f}`));
      }
      result.newlyRequired.push(...[...body.required].filter((f) => !sends.includes(f)).map((f) => `${name}: ${f}`));
    }
  }
  return result;
}

/** A path without its version and without the names of its parameters. */
function shape(path: string): string {
  return path.replace(/^\/v\d+(?=\/)/, '').replace(/\{[^}]*\}/g, '{}');
}

const operationSchema = z.object({
  requestBody: z.object({ content: z.record(z.string(), z.object({ schema: z.unknown() })) }),
});

function bodyOf(operation: unknown): unknown {
  const parsed = operationSchema.safeParse(operation);
  return parsed.success ? Object.values(parsed.data.requestBody.content)[0]?.schema : undefined;
}

const shapeSchema = z.object({
  $ref: z.string().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).optional(),
  allOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
  anyOf: z.array(z.unknown()).optional(),
});

/** Fields of an object, through references and combinations; what only one alternative requires is not required. */
function fieldsOf(document: ApiDocument, schema: unknown, depth = 0): { known: Set<string>; required: Set<string> } {
  const known = new Set<string>();
  const required = new Set<string>();
  const parsed = shapeSchema.safeParse(schema);
  if (!parsed.success || depth > 12) {
    return { known, required };
  }
  const { $ref, properties, required: own, allOf, oneOf, anyOf } = parsed.data;
  Object.keys(properties ?? {}).forEach((f) => known.add(f));
  own?.forEach((f) => required.add(f));
  const referred = $ref === undefined ? [] : [document.components.schemas[$ref.split('/').at(-1) ?? '']];
  for (const part of [...referred, ...(allOf ?? [])]) {
    const inner = fieldsOf(document, part, depth + 1);
    inner.known.forEach((f) => known.add(f));
    inner.required.forEach((f) => required.add(f));
  }
  for (const part of [...(oneOf ?? []), ...(anyOf ?? [])]) {
    fieldsOf(document, part, depth + 1).known.forEach((f) => known.add(f));
  }
  return { known, required };
}
