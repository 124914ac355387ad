import * as z from 'zod';
import type { SshConnection } from '../../ssh/index.ts';

/**
 * Looks at a pod from inside and tries the pod's own key. The key is read where it is and goes nowhere but to the API;
 * only statuses of answers come back.
 */
const script = `
import json, os, sys, urllib.error, urllib.request
rest, pod, name, mode, mount = sys.argv[1:6]

def environ(pid):
    try:
        data = open("/proc/%d/environ" % pid, "rb").read()
    except OSError:
        return {}
    pairs = [e.decode("utf-8", "replace").partition("=") for e in data.split(b"\\0") if b"=" in e]
    return {k: v for k, _, v in pairs}

def parent(pid):
    try:
        return int(open("/proc/%d/stat" % pid).read().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0

def found():
    pid = 1
    env = environ(1)
    if env.get("RUNPOD_POD_ID"):
        return "pid 1", env
    pid = os.getppid()
    while pid > 1:
        env = environ(pid)
        if env.get("RUNPOD_POD_ID"):
            return "an ancestor", env
        pid = parent(pid)
    return None, {}

class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None

def call(method, path, body=None):
    request = urllib.request.Request(rest + "/pods/" + pod + path, method=method, data=body and json.dumps(body).encode())
    request.add_header("Authorization", "Bearer " + key)
    request.add_header("User-Agent", "runpod-trainer-verify")
    if body:
        request.add_header("Content-Type", "application/json")
    try:
        return urllib.request.build_opener(NoRedirect).open(request, timeout=15).status
    except urllib.error.HTTPError as error:
        return error.code
    except Exception:
        return None

where, env = found()
key = env.get("RUNPOD_API_KEY", "")
answer = {"where": where, "session": "RUNPOD_POD_ID" in os.environ, "key": bool(key)}
if mode == "end":
    answer["delete"] = call("DELETE", "") if key else None
else:
    answer["file"] = os.path.exists("/etc/rp_environment")
    if key:
        answer["get"] = call("GET", "")
        answer["start"] = call("POST", "/action", {"action": "start"})
        answer["patch"] = call("PATCH", "", {"name": name})
    if mount:
        space = os.statvfs(mount)
        answer["dfGb"] = round(space.f_blocks * space.f_frsize / 1e9, 1)
print(json.dumps(answer))
`;

const status = z
  .number()
  .nullish()
  .transform((s) => s ?? undefined);
const probeSchema = z.object({
  /** Where the variables of the pod were found. */
  where: z.string().nullable(),
  /** Whether a session over SSH has them itself. */
  session: z.boolean(),
  /** Whether the pod has a key of its own. */
  key: z.boolean(),
  file: z.boolean().default(false),
  get: status,
  start: status,
  patch: status,
  delete: status,
  /** Size that `df` shows for the volume, in GB. */
  dfGb: status,
});
export type PodProbe = z.infer<typeof probeSchema>;

/** `look` changes nothing; `end` lets the pod terminate itself. */
export async function probePod(
  connection: SshConnection,
  pod: { id: string; name: string },
  what: { mode: 'look' | 'end'; restUrl: string; mount?: string | undefined },
  signal?: AbortSignal,
): Promise<PodProbe> {
  const argv = ['python3', '-', what.restUrl, pod.id, pod.name, what.mode, what.mount ?? ''];
  const result = await connection.exec(argv, { stdin: script, signal, maxStdout: 65_536 });
  const text = result.stdout.toString('utf8').trim();
  if (result.code !== 0 || text === '') {
    throw new Error(
      `The probe failed on the pod with code ${result.code}: ${result.stderr.trim().split('\n').at(-1) ?? ''}`,
    );
  }
  return probeSchema.parse(JSON.parse(text));
}
