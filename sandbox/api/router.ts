import type { IncomingMessage, ServerResponse } from 'node:http';
import { Problem } from '../problem.ts';

/** Who calls: the account's key, a key of the account that is restricted to pods, or a pod's own. */
export type Caller = { kind: 'account' } | { kind: 'restricted' } | { kind: 'pod'; podId: string };

/** A request that has passed the gate. */
export interface Call {
  caller: Caller;
  params: Record<string, string>;
  query: URLSearchParams;
  /** Parsed JSON, undefined without a body. */
  body: unknown;
  request: IncomingMessage;
  response: ServerResponse;
}

/** A route's answer; `streaming` means that the route writes the response itself. */
export type Answer = { status: number; body?: unknown } | 'streaming';

type Handler = (call: Call) => Answer | Promise<Answer>;

interface Route {
  method: string;
  parts: string[];
  handler: Handler;
}

/** Finds routes by method and path; `:name` parts match one segment. */
export class Router {
  readonly #routes: Route[] = [];

  add(method: string, path: string, handler: Handler): void {
    this.#routes.push({ method, parts: path.split('/'), handler });
  }

  /** Throws 404 for an unknown path and 405 with `Allow` for a known one. */
  match(method: string, path: string): { handler: Handler; params: Record<string, string> } {
    const parts = path.split('/');
    const fitting = this.#routes.filter(
      (route) =>
        route.parts.length === parts.length &&
        route.parts.every((part, index) => (part.startsWith(':') ? parts[index] !== '' : part === parts[index])),
    );
    if (fitting.length === 0) throw new Problem(404, 'resource not found');
    const route = fitting.find((one) => one.method === method);
    if (route === undefined) {
      const allow = [...new Set(fitting.map((one) => one.method))].join(', ');
      throw new Problem(405, 'The requested method is not allowed for this path.', { headers: { Allow: allow } });
    }
    const params: Record<string, string> = {};
    route.parts.forEach((part, index) => {
      if (part.startsWith(':')) params[part.slice(1)] = decode(parts[index] ?? '');
    });
    return { handler: route.handler, params };
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Problem(404, 'resource not found');
  }
}
