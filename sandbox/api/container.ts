import { Problem } from '../problem.ts';

/** Rules of a container's settings that are the same for pods and endpoints; broken ones are 400. */
export function checkContainer(request: {
  ports?: string[] | undefined;
  env?: Record<string, string> | undefined;
}): void {
  const http = request.ports?.filter((port) => port.endsWith('/http')) ?? [];
  const bad = request.ports?.find((port) => !/^[1-9]\d{0,4}\/(tcp|http)$/.test(port));
  if (bad !== undefined) throw new Problem(400, `invalid port "${bad}": expected <port>/tcp or <port>/http`);
  if (http.length > 10) throw new Problem(400, 'at most 10 HTTP ports can be exposed');
  if (Object.keys(request.env ?? {}).length > 50)
    throw new Problem(400, 'at most 50 environment variables are allowed');
}
