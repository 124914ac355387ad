import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';

/** Checks requests and answers against the reduced OpenAPI document with the reviewed overlay on top. */

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = Record<string, Json>;

interface Change {
  path: string;
  value: Json;
}
export interface OverlayEntry {
  why: string;
  add?: Change[];
  replace?: Change[];
}

const read = (name: string) => JSON.parse(readFileSync(new URL(`openapi/${name}`, import.meta.url), 'utf8')) as unknown;

export const baseDocument = read('runpod-v2.json') as JsonObject;
export const overlay = read('overlay.json') as OverlayEntry[];

/** Puts overlay entries on a copy of a document. @throws Error when one adds what exists or replaces what does not. */
export function applyOverlay(document: JsonObject, entries: OverlayEntry[]): JsonObject {
  const copy = structuredClone(document);
  for (const entry of entries) {
    for (const change of entry.add ?? []) {
      put(copy, change, 'add');
    }
    for (const change of entry.replace ?? []) {
      put(copy, change, 'replace');
    }
  }
  return copy;
}

function put(document: JsonObject, change: Change, mode: 'add' | 'replace'): void {
  const keys = change.path.split('/').slice(1).map(unescapePointer);
  const last = keys.pop() ?? '';
  const parent = keys.reduce<Json | undefined>((node, key) => child(node, key), document);
  if (Array.isArray(parent) && last === '-' && mode === 'add') {
    parent.push(change.value);
    return;
  }
  if (typeof parent !== 'object' || parent === null || Array.isArray(parent)) {
    throw new Error(`The overlay's path ${change.path} leads nowhere.`);
  }
  if (last in parent !== (mode === 'replace')) {
    throw new Error(
      `The overlay wants to ${mode} ${change.path}, but it ${last in parent ? 'exists' : 'is not there'}.`,
    );
  }
  parent[last] = change.value;
}

const unescapePointer = (key: string) => key.replaceAll('~1', '/').replaceAll('~0', '~');
const escapePointer = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1');

function child(node: Json | undefined, key: string): Json | undefined {
  if (Array.isArray(node)) {
    return node[Number(key)];
  }
  return typeof node === 'object' && node !== null ? node[key] : undefined;
}

export class ContractValidator {
  readonly #document: JsonObject;
  readonly #ajv: Ajv2020;
  readonly #compiled = new Map<string, ValidateFunction>();

  constructor(document: JsonObject = applyOverlay(baseDocument, overlay)) {
    this.#document = document;
    this.#ajv = new Ajv2020({ strict: false, allErrors: true });
    // The package is CommonJS: its function is the default export's default.
    addFormatsModule.default(this.#ajv);
    this.#ajv.addSchema({ ...document, $id: 'openapi' });
  }

  /**
   * Checks a request the client makes.
   * @param path below the host, with `/v2` and without the query
   * @param body parsed JSON, undefined when there is none
   * @returns what is wrong, in sentences; empty when nothing is
   */
  validateRequest(method: string, path: string, query: URLSearchParams, body: unknown): string[] {
    const operation = this.#operation(method, path);
    if (!operation) {
      return [`${method} ${path} is not in the contract.`];
    }
    return [...this.#queryProblems(operation, query), ...this.#bodyProblems(operation, body)];
  }

  /** Checks an answer. `body` is its parsed JSON, or its text where it is not JSON, or undefined when it is empty. */
  validateResponse(method: string, path: string, status: number, body: unknown, contentType?: string): string[] {
    const operation = this.#operation(method, path);
    if (!operation) {
      // What is not in the contract can still be refused in its language.
      return this.#check('/components/schemas/ErrorResponse', body);
    }
    const responses = this.#at(`${operation.pointer}/responses`);
    const key = child(responses.node, String(status)) === undefined ? 'default' : String(status);
    if (key === 'default' && status < 400) {
      return [`${method} ${path} never answers ${status}.`];
    }
    const content = this.#at(`${responses.pointer}/${key}/content`);
    const [type] = typeof content.node === 'object' && content.node !== null ? Object.keys(content.node) : [];
    if (type === undefined) {
      return body === undefined || body === '' ? [] : [`A ${status} of ${method} ${path} has no body.`];
    }
    const problems = this.#check(`${content.pointer}/${escapePointer(type)}/schema`, body);
    const typeMatches = contentType === undefined || contentType.split(';')[0]?.trim() === type;
    return typeMatches ? problems : [`The content type is ${contentType}, not ${type}.`, ...problems];
  }

  #operation(method: string, path: string): { pointer: string; item: string } | undefined {
    const segments = path.split('/');
    const routes = Object.keys(this.#at('/paths').node as JsonObject);
    const matches = routes.filter((route) => {
      const names = route.split('/');
      return names.length === segments.length && names.every((n, i) => n.startsWith('{') || n === segments[i]);
    });
    // A fixed segment wins over a placeholder.
    const route = matches.sort((a, b) => a.split('{').length - b.split('{').length)[0];
    const item = `/paths/${escapePointer(route ?? '')}`;
    const pointer = `${item}/${method.toLowerCase()}`;
    return route !== undefined && this.#at(pointer).node !== undefined ? { pointer, item } : undefined;
  }

  #queryProblems(operation: { pointer: string; item: string }, query: URLSearchParams): string[] {
    const parameters = new Map<string, { pointer: string; schema: JsonObject }>();
    for (const base of [operation.item, operation.pointer]) {
      const list = this.#at(`${base}/parameters`).node;
      for (const index of Array.isArray(list) ? list.keys() : []) {
        const { node, pointer } = this.#at(`${base}/parameters/${index}`);
        const parameter = node as JsonObject;
        if (parameter.in === 'query') {
          const schema = this.#at(`${pointer}/schema`);
          parameters.set(parameter.name as string, { pointer: schema.pointer, schema: schema.node as JsonObject });
        }
      }
    }
    return [...query].flatMap(([name, text]) => {
      const parameter = parameters.get(name);
      // The API ignores unknown query fields silently, so a misspelt one would go unnoticed.
      return parameter
        ? this.#check(parameter.pointer, fromText(text, parameter.schema.type)).map((p) => `Query ${name}: ${p}`)
        : [`The query has an unknown field ${name}.`];
    });
  }

  #bodyProblems(operation: { pointer: string }, body: unknown): string[] {
    const content = this.#at(`${operation.pointer}/requestBody/content`);
    if (content.node === undefined) {
      return body === undefined ? [] : ['The request has a body but must have none.'];
    }
    return this.#check(`${content.pointer}/application~1json/schema`, body);
  }

  /** Finds a node, following `$ref` on the way. @returns the node and its own pointer. */
  #at(pointer: string): { node: Json | undefined; pointer: string } {
    let node: Json | undefined = this.#document;
    let place = '';
    for (const key of pointer.split('/').slice(1)) {
      node = child(node, unescapePointer(key));
      place = `${place}/${key}`;
      const reference = child(node, '$ref');
      if (typeof reference === 'string') {
        ({ node, pointer: place } = this.#at(reference.slice(1)));
      }
    }
    return { node, pointer: place };
  }

  #check(pointer: string, value: unknown): string[] {
    let validate = this.#compiled.get(pointer);
    if (!validate) {
      validate = this.#ajv.compile({ $ref: `openapi#${encodeURI(pointer)}` });
      this.#compiled.set(pointer, validate);
    }
    if (validate(value)) {
      return [];
    }
    return (validate.errors ?? []).map((e) => `${e.instancePath || '(all)'} ${e.message ?? 'is wrong'}`);
  }
}

function fromText(text: string, type: Json | undefined): unknown {
  switch (type) {
    case 'array':
      return text.split(',');
    case 'integer':
    case 'number':
      return text.trim() === '' ? text : Number(text);
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    default:
      return text;
  }
}
