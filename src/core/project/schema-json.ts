import { own } from '../json.ts';
import type { Path } from './place-words.ts';
import { projectSchema } from './schema.ts';

/** What the schema tells of a value, for completion, hover and "did you mean". */
export interface SchemaNode {
  type?: string;
  description?: string;
  const?: unknown;
  enum?: readonly unknown[];
  default?: unknown;
  properties?: Record<string, SchemaNode>;
  items?: SchemaNode;
  additionalProperties?: SchemaNode | boolean;
  required?: readonly string[];
  anyOf?: readonly SchemaNode[];
  oneOf?: readonly SchemaNode[];
}

/** The kinds of gates, in the order in which they are told. */
export const gateTypes = ['file', 'rows', 'distinct', 'populated', 'metric', 'checkpoint', 'script'] as const;

/** What may stand at a path; of a gate only its own type where that is known. Several where the schema has a choice. */
export function schemasAt(path: Path, gateTypeAt: (path: Path) => string | undefined = () => undefined): SchemaNode[] {
  let nodes = choices(whole());
  for (const [i, part] of path.entries()) {
    nodes = nodes.flatMap((node) => choices(child(node, part)));
    const type = typeof part === 'number' && path[i - 1] === 'gates' ? gateTypeAt(path.slice(0, i + 1)) : undefined;
    nodes = type === undefined ? nodes : nodes.filter((node) => node.properties?.['type']?.const === type);
  }
  return nodes;
}

/** The fields of an object at a path, each once: first those that must be there. */
export function fieldsAt(path: Path, gateTypeAt?: (path: Path) => string | undefined): Map<string, SchemaNode> {
  const nodes = schemasAt(path, gateTypeAt);
  return new Map(nodes.flatMap((node) => Object.entries(node.properties ?? {})));
}

function choices(node: SchemaNode | undefined): SchemaNode[] {
  return node === undefined ? [] : [...(node.anyOf ?? node.oneOf ?? [node])];
}

function child(node: SchemaNode, part: string | number): SchemaNode | undefined {
  if (typeof part === 'number') {
    return node.items;
  }
  const more = node.additionalProperties;
  return own(node.properties ?? {}, part) ?? (typeof more === 'object' ? more : undefined);
}

let cached: SchemaNode | undefined;
function whole(): SchemaNode {
  cached ??= projectSchema.toJSONSchema({ io: 'input' }) as SchemaNode;
  return cached;
}
