import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  assertNothingLeft,
  call,
  connect,
  direct,
  getPod,
  isolations,
  logFingerprint,
  logLines,
  podBody,
  run,
  until,
  Workbench,
  type Json,
} from './harness.ts';
import { startAs, type Running } from './running.ts';

for (const isolation of isolations) {
  describe(`sandbox pods, ${isolation} (R9.7)`, () => {
    let bench: Workbench;
    let sandbox: Running;
    let volume: string;
    const pods: string[] = [];

    async function create(more: Record<string, unknown> = {}): Promise<Json> {
      const answer = await call(sandbox, 'POST', '/pods', podBody(bench, more));
      assert.equal(answer.status, 201, JSON.stringify(answer.body));
      pods.push(answer.body.id);
      return answer.body;
    }
    const act = (id: unknown, action: string) => call(sandbox, 'POST', `/pods/${String(id)}/action`, { action });
    const remove = (id: unknown) => call(sandbox, 'DELETE', `/pods/${String(id)}`);
    const withVolume = () => ({ mounts: { network: [{ volumeId: volume, path: '/workspace' }] } });

    before(async () => {
      bench = new Workbench();
      // The image must be readable for the user that pods run as.
      chmodSync(bench.folder, 0o755);
      sandbox = await startAs(isolation, bench, { imagePath: bench.image() });
      const answer = await call(sandbox, 'POST', '/network-volumes', { name: 'data', size: 10, dataCenter: 'EU-RO-1' });
      volume = answer.body.id;
    });

    after(async () => {
      const { root } = sandbox;
      await sandbox.close();
      await assertNothingLeft(root, pods);
      bench.remove();
    });

    it('says RUNNING before it can be reached, and fills runtime and ssh.direct in stages', async () => {
      const pod = await create();
      assert.equal(pod.status, 'PROVISIONING');
      assert.deepEqual(pod.actions, ['stop', 'terminate']);
      assert.equal(pod.runtime, null);
      const seen = new Set<string>();
      await until('ssh.direct', async () => {
        const now = await getPod(sandbox, pod.id);
        const ports = now.runtime?.ports.length;
        seen.add(
          `${String(now.status)} runtime=${now.runtime ? `ports ${String(ports)}` : 'null'} direct=${String(!!now.ssh.direct)}`,
        );
        assert.equal(now.ssh.proxy.port, 22, 'the proxy address is there from the start');
        return Boolean(now.ssh.direct);
      });
      for (const stage of [
        'PROVISIONING runtime=null direct=false',
        'STARTING runtime=null direct=false',
        'RUNNING runtime=null direct=false',
        'RUNNING runtime=ports 0 direct=false',
        'RUNNING runtime=ports 1 direct=true',
      ]) {
        assert.ok(seen.has(stage), `${stage} in ${[...seen].join('; ')}`);
      }
      await remove(pod.id);
    });

    it('offers the proxy address, which leads nowhere', async () => {
      const pod = await create({ ports: [] });
      await until('RUNNING', async () => (await getPod(sandbox, pod.id)).status === 'RUNNING');
      const { ssh } = await getPod(sandbox, pod.id);
      assert.equal(ssh.direct, null, 'without 22/tcp there is no direct address');
      await assert.rejects(connect(bench, { ...ssh.proxy }), /ENOTFOUND|EAI_AGAIN/);
      await remove(pod.id);
    });

    it('lets the key of PUBLIC_KEY in, with the host key of the boot log, and no other', async () => {
      const pod = await create(withVolume());
      const login = await direct(sandbox, pod.id);
      assert.equal(login.username, sandbox.username);
      const fingerprint = await logFingerprint(sandbox, pod.id);
      const who = await run(bench, login, 'id -un; image-program', fingerprint);
      assert.equal(who.out, `${sandbox.username}\nfrom the image\n`);
      await assert.rejects(run(bench, login, 'true', 'SHA256:somethingelse'), /Host denied/);
      const stranger = new Workbench();
      await assert.rejects(run(stranger, login, 'true', fingerprint), /authentication/i);
      stranger.remove();
      await remove(pod.id);
    });

    it("serves the system's own ssh and sftp", async () => {
      const pod = await create();
      const login = await direct(sandbox, pod.id);
      await run(bench, login, 'true');
      const known = path.join(bench.folder, 'known_hosts');
      const scan = await program('ssh-keyscan', ['-t', 'ed25519', '-p', String(login.port), login.host]);
      writeFileSync(known, scan.out);
      const options = [
        '-i',
        bench.privateKey,
        '-o',
        `UserKnownHostsFile="${known}"`,
        '-o',
        'StrictHostKeyChecking=yes',
        '-o',
        'BatchMode=yes',
        '-o',
        'IdentitiesOnly=yes',
      ];
      const shell = await program('ssh', [
        '-F',
        'none',
        ...options,
        '-p',
        String(login.port),
        `${login.username}@${login.host}`,
        'exit 3',
      ]);
      assert.equal(shell.code, 3, shell.err);
      const sftp = await program(
        'sftp',
        ['-F', 'none', ...options, '-P', String(login.port), '-b', '-', `${login.username}@${login.host}`],
        'pwd\n',
      );
      assert.equal(sftp.code, 0, sftp.err);
      await remove(pod.id);
    });

    it('keeps the environment of the pod to PID 1: a session has none of it, an ancestor does', async () => {
      const secret = 'value with spaces, "quotes" and $signs';
      const pod = await create({ ...withVolume(), env: { PUBLIC_KEY: bench.publicKey, MY_SETTING: secret } });
      const login = await direct(sandbox, pod.id);
      const session = await run(bench, login, 'env');
      assert.doesNotMatch(session.out, /RUNPOD|MY_SETTING|PUBLIC_KEY/);
      const found = await run(bench, login, ancestors);
      const environment = Object.fromEntries(
        found.out
          .split('\0')
          .filter(Boolean)
          .map((text) => text.split(/=(.*)/s).slice(0, 2) as [string, string]),
      );
      assert.equal(environment.MY_SETTING, secret);
      assert.equal(environment.RUNPOD_POD_ID, pod.id);
      assert.equal(environment.RUNPOD_DC_ID, 'EU-RO-1');
      assert.equal(environment.RUNPOD_VOLUME_ID, volume);
      assert.equal(environment.RUNPOD_CPU_COUNT, '2');
      assert.equal(environment.RUNPOD_PUBLIC_IP, '127.0.0.1');
      assert.equal(environment.RUNPOD_TCP_PORT_22, String(login.port));
      assert.match(environment.RUNPOD_API_KEY ?? '', /^rpa_/);
      assert.notEqual(environment.RUNPOD_API_KEY, sandbox.key);
      if (isolation === 'namespace') {
        const first = await run(bench, login, 'tr "\\0" "\\n" </proc/1/environ; cat /etc/rp_environment');
        assert.match(first.out, new RegExp(`^RUNPOD_POD_ID=${pod.id}$`, 'm'));
        assert.match(first.out, new RegExp(`^export RUNPOD_POD_ID="${pod.id}"$`, 'm'));
        assert.doesNotMatch(first.out, /export PUBLIC_KEY/);
      }
      await remove(pod.id);
    });

    it('mounts the volume where the answer says, shared by pods and kept after them', async () => {
      const [one, two] = [await create(withVolume()), await create(withVolume())];
      const mount = String((await getPod(sandbox, one.id)).mounts.network[0]?.path);
      if (isolation === 'namespace') assert.equal(mount, '/workspace');
      await run(bench, await direct(sandbox, one.id), `echo from one > '${mount}/file'`);
      const read = await run(bench, await direct(sandbox, two.id), `cat '${mount}/file'; df '${mount}' | tail -1`);
      assert.match(read.out, /^from one\n/);
      const gigabytes = Number(read.out.split('\n')[1]?.trim().split(/\s+/).at(-5)) / 1e6;
      assert.ok(gigabytes !== 10, 'df shows the disk behind the volume, not its 10 GB');
      await Promise.all([remove(one.id), remove(two.id)]);
      const three = await create(withVolume());
      assert.equal((await run(bench, await direct(sandbox, three.id), `cat '${mount}/file'`)).out, 'from one\n');
      await remove(three.id);
    });

    it('starts no sshd without PUBLIC_KEY, though the port is mapped', async () => {
      const pod = await create({ env: {} });
      const login = await direct(sandbox, pod.id);
      await until('ready', async () =>
        (await logLines(sandbox, pod.id)).some((entry) => /Pod is ready/.test(entry.line)),
      );
      assert.equal(await connect(bench, login), undefined, 'refused');
      await remove(pod.id);
    });

    it('starts no sshd when the command is replaced, and starts an exited command again, still RUNNING and billed', async () => {
      const pod = await create({ args: `sh -c 'echo up $RUNPOD_POD_ID; exit 3'` });
      const lines = await until(
        'two starts',
        async () => {
          const seen = await logLines(sandbox, pod.id);
          return seen.filter((entry) => entry.line === `up ${pod.id}`).length >= 2 ? seen : undefined;
        },
        30,
      );
      const now = await getPod(sandbox, pod.id);
      assert.equal(now.status, 'RUNNING');
      assert.equal(now.cost, 0.07);
      const system = lines.filter((entry) => entry.source === 'system').map((entry) => entry.line);
      assert.ok(system.filter((line) => /^start container .*: begin$/.test(line)).length >= 2);
      assert.ok(system.includes('container exited with code 3'));
      assert.ok(!lines.some((entry) => /SSH host keys/.test(entry.line)));
      await remove(pod.id);
    });

    it('changes host key and port at every start and wipes the container disk, but not the volume', async () => {
      const pod = await create(withVolume());
      const id = pod.id;
      const first = await direct(sandbox, id);
      const mount = String((await getPod(sandbox, id)).mounts.network[0]?.path);
      const firstKey = await logFingerprint(sandbox, id);
      await run(bench, first, `echo kept > '${mount}/kept'; echo lost > "$HOME/lost"`, firstKey);

      assert.equal((await act(id, 'restart')).status, 200);
      const stale = await getPod(sandbox, id);
      assert.equal(stale.status, 'RUNNING');
      assert.equal(stale.ssh.direct?.port, first.port, 'for a moment the answer is stale');
      const second = await direct(sandbox, id, first.port);
      const secondKey = await logFingerprint(sandbox, id);
      assert.notEqual(secondKey, firstKey);
      const after = await run(bench, second, `cat '${mount}/kept'; cat "$HOME/lost"`, secondKey);
      assert.equal(after.out, 'kept\n');

      assert.equal((await act(id, 'stop')).status, 200);
      const stopped = await getPod(sandbox, id);
      assert.equal(stopped.status, 'EXITED');
      assert.equal(stopped.cost, 0);
      assert.equal(stopped.ssh.direct, null);
      assert.equal(stopped.runtime, null);
      assert.deepEqual(stopped.actions, ['start', 'terminate']);
      await until(
        'the old sshd to be gone',
        async () => (await connect(bench, second).catch(() => undefined)) === undefined,
      );

      assert.equal((await act(id, 'start')).status, 200);
      const third = await direct(sandbox, id, second.port);
      assert.notEqual(await logFingerprint(sandbox, id), secondKey);
      assert.equal((await run(bench, third, `cat '${mount}/kept'`)).out, 'kept\n');
      await remove(id);
    });

    it('resets a running container when it is edited, and not for a name', async () => {
      const pod = await create();
      const id = pod.id;
      const login = await direct(sandbox, id);
      await run(bench, login, 'echo lost > "$HOME/lost"');
      const renamed = await call(sandbox, 'PATCH', `/pods/${id}`, { name: 'other' });
      assert.equal(renamed.body.name, 'other');
      assert.equal((await run(bench, login, 'cat "$HOME/lost"')).out, 'lost\n');
      const edited = await call(sandbox, 'PATCH', `/pods/${id}`, {
        env: { PUBLIC_KEY: bench.publicKey, ADDED: 'yes' },
      });
      assert.equal(edited.body.env.ADDED, 'yes');
      const next = await direct(sandbox, id, login.port);
      const found = await run(bench, next, `cat "$HOME/lost"; ${ancestors}`);
      assert.match(found.out, /ADDED=yes/);
      assert.doesNotMatch(found.out, /^lost/);
      await remove(id);
    });

    it('answers 409 for actions that the status does not allow', async () => {
      const pod = await create();
      const id = pod.id;
      for (const action of ['start', 'restart']) assert.equal((await act(id, action)).status, 409, action);
      await direct(sandbox, id);
      const running = await getPod(sandbox, id);
      assert.deepEqual(running.actions, ['stop', 'restart', 'terminate']);
      assert.equal((await act(id, 'start')).status, 409);
      await act(id, 'stop');
      for (const action of ['stop', 'restart']) assert.equal((await act(id, action)).status, 409, action);
      await call(sandbox, 'PATCH', `/pods/${id}`, { locked: true });
      await act(id, 'start');
      await direct(sandbox, id);
      for (const action of ['stop', 'restart']) assert.equal((await act(id, action)).status, 409, `locked ${action}`);
      assert.equal((await act(id, 'terminate')).status, 204, 'a lock does not hold terminate');
    });

    it('ends every process of a terminated pod, daemons included, and answers TERMINATED and then 404', async () => {
      const pod = await create();
      const id = pod.id;
      const login = await direct(sandbox, id);
      const mark = `31${String(Date.now()).slice(-6)}`;
      await run(
        bench,
        login,
        `setsid nohup bash -c '(setsid sleep ${mark} &) ; sleep ${mark}' >/dev/null 2>&1 </dev/null &`,
      );
      await until('the daemons', () => countProcesses(`sleep\0${mark}`) === 2);
      const removed = await remove(id);
      assert.equal(removed.status, 204);
      assert.equal((await getPod(sandbox, id)).status, 'TERMINATED');
      await until('404', async () => (await call(sandbox, 'GET', `/pods/${id}`)).status === 404);
      await until('the daemons to be gone', () => countProcesses(`sleep\0${mark}`) === 0);
      assert.equal((await remove(id)).status, 404);
    });

    it('substitutes secrets at boot and shows the placeholder in the answer', async () => {
      await call(sandbox, 'POST', '/account/secrets', { name: 'wandb_key', value: 's3cret value' });
      const env = {
        PUBLIC_KEY: bench.publicKey,
        W: 'a {{ RUNPOD_SECRET_wandb_key }}',
        X: '{{ RUNPOD_SECRET_missing }}',
      };
      const pod = await create({ env });
      assert.deepEqual(pod.env, env);
      const found = await run(bench, await direct(sandbox, pod.id), ancestors);
      assert.ok(found.out.split('\0').includes('W=a s3cret value'));
      assert.ok(found.out.split('\0').includes('X={{ RUNPOD_SECRET_missing }}'));
      await remove(pod.id);
    });

    it('gives the account keys to pods that ask with startSsh', async () => {
      await call(sandbox, 'PUT', '/account/ssh-keys', { keys: [bench.publicKey] });
      const pod = await create({ env: {}, startSsh: true });
      assert.equal(pod.startSsh, undefined);
      const who = await run(bench, await direct(sandbox, pod.id), 'id -un');
      assert.equal(who.out, `${sandbox.username}\n`);
      await remove(pod.id);
    });

    it('streams logs with tail, source, since, and resumes after the last event id', async () => {
      const pod = await create({ args: `sh -c 'for i in 1 2 3 4 5; do echo line $i; done; echo bad >&2; sleep 600'` });
      const id = pod.id;
      const lines = await until('all lines', async () => {
        const seen = await logLines(sandbox, id, '?source=container&tail=5000');
        return seen.length >= 6 ? seen : undefined;
      });
      assert.deepEqual(lines.map((entry) => entry.line).sort(), [
        'bad',
        'line 1',
        'line 2',
        'line 3',
        'line 4',
        'line 5',
      ]);
      assert.equal((await logLines(sandbox, id, '?source=container&tail=2')).length, 2);
      assert.equal((await logLines(sandbox, id, '?tail=0')).length, 0);
      const resumed = await logLines(sandbox, id, '?source=container&tail=1', { 'last-event-id': lines[1]!.id });
      assert.deepEqual(resumed, lines.slice(2));
      assert.equal((await logLines(sandbox, id, `?source=container&tail=1&since=${lines[0]!.ts}`)).length, 6);
      assert.ok((await logLines(sandbox, id, '?source=system&tail=5000')).every((entry) => entry.source === 'system'));
      const live = logLines(sandbox, id, '?tail=0&source=system', {}, (seen) => seen.length > 0);
      await act(id, 'restart');
      assert.ok((await live).length > 0, 'new lines arrive on an open stream');
      await remove(id);
    });

    it("lets a pod's own key end its pod and do nothing else", async () => {
      const pod = await create();
      const id = pod.id;
      const environment = await run(bench, await direct(sandbox, id), ancestors);
      const key = /RUNPOD_API_KEY=(\w+)/.exec(environment.out)?.[1] ?? '';
      const own = { restUrl: sandbox.restUrl, key };
      assert.equal((await call(own, 'GET', `/pods/${id}`)).status, 403);
      assert.equal((await call(own, 'GET', '/pods')).status, 403);
      assert.equal((await call(own, 'GET', '/account/ssh-keys')).status, 403);
      assert.equal((await call(own, 'PATCH', `/pods/${id}`, { name: 'x' })).status, 403);
      const other = await create();
      assert.equal((await call(own, 'DELETE', `/pods/${other.id}`)).status, 403);
      assert.equal(
        (await call(own, 'POST', `/pods/${id}/action`, { action: 'start' })).status,
        409,
        'the harmless probe',
      );
      assert.equal((await call(own, 'POST', `/pods/${id}/action`, { action: 'terminate' })).status, 204);
      await until('the key to be void', async () => (await call(own, 'DELETE', `/pods/${id}`)).status === 401);
      await remove(other.id);
    });

    if (isolation === 'namespace') {
      it('keeps the machine out of reach: own root, /tmp, home and processes', async () => {
        const pod = await create({ mounts: { network: [{ volumeId: volume, path: '/data/deep/mount' }] } });
        const seen = await run(
          bench,
          await direct(sandbox, pod.id),
          'echo $HOME; ls -A /tmp /home; ls /proc | grep -c "^[0-9]*$"; touch /usr/lib/pod-was-here /etc/pod-was-here && echo written; cat /proc/1/comm; mountpoint -q /data/deep/mount && echo mounted; ls -d /workspace 2>&1',
        );
        assert.match(seen.out, /^\/root\n\/home:\n\n\/tmp:\n/);
        assert.match(seen.out, /written\npython3?\S*\nmounted\n/);
        assert.ok(Number(/^(\d+)$/m.exec(seen.out)?.[1]) < 12, 'only the pod’s own processes');
        const here = await program('ls', ['/usr/lib/pod-was-here', '/etc/pod-was-here', '/data']);
        assert.equal(here.out, '', 'the machine is untouched');
        await remove(pod.id);
      });

      it('takes from a pod’s root what leads out of it: handles, devices, mounts, settings of the kernel', async () => {
        const pod = await create(withVolume());
        const script = readFileSync(path.join(import.meta.dirname, 'escape.py')).toString('base64');
        const login = await direct(sandbox, pod.id);
        const tried = await run(bench, login, `echo ${script} | base64 -d | python3 - /workspace`);
        assert.equal(tried.code, 0, tried.err);
        const results = Object.entries(JSON.parse(tried.out) as Record<string, string>);
        assert.ok(results.length > 10);
        const refused =
          /^(Operation not permitted|Function not implemented|Read-only file system|No such file or directory|Permission denied)$/;
        assert.deepEqual(
          results.filter(([, what]) => !refused.test(what)),
          [],
        );
        await remove(pod.id);
      });

      it('leaves a pod’s root what training needs: devices, terminals, other users, packages, its own processes', async () => {
        const pod = await create(withVolume());
        const work = [
          'head -c 4 /dev/urandom | wc -c; echo x > /dev/null; python3 -c "import os; os.openpty()" && echo terminal',
          'chown 1000:1000 /workspace && su nobody -s /bin/sh -c "id -u"; mkdir -p /usr/local/own && echo packages',
          'python3 -c "from multiprocessing import Pool; print(sum(Pool(2).map(abs, [-1, -2])))"',
          'tr "\\0" "\\n" < /proc/1/environ | grep -c ^RUNPOD_POD_ID=; ls /sys/class > /dev/null && echo sys; df /dev/shm | tail -1 | wc -l',
          'python3 -c "import ctypes; print(ctypes.CDLL(None).prctl(39, 0, 0, 0, 0))"; echo gone > /dev/shm/x && rm /dev/shm/x',
        ];
        const seen = await run(bench, await direct(sandbox, pod.id), work.join('; '));
        assert.equal(seen.out, '4\nterminal\n65534\npackages\n3\n1\nsys\n1\n0\n', seen.err);
        await remove(pod.id);
      });
    }
  });
}

/** Shell text that prints the environment of the nearest ancestor that has the pod's: PID 1's, or another's. */
const ancestors = `p=$$; while [ "$p" -gt 0 ]; do if grep -qaz '^RUNPOD_POD_ID=' /proc/$p/environ 2>/dev/null; then cat /proc/$p/environ; break; fi; p=$(awk '/^PPid:/{print $2}' /proc/$p/status); done`;

function program(name: string, args: string[], input = ''): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(name, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (err += data.toString()));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

function countProcesses(part: string): number {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith(part);
    } catch {
      return false;
    }
  }).length;
}
