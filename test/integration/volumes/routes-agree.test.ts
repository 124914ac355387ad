import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadProject, type LoadedProject } from '../../../src/core/project/load.ts';
import type { Volume } from '../../../src/core/runpod/schemas.ts';
import { planSync, runSync } from '../../../src/core/volumes/sync.ts';
import type { RouteKind, TransferPlan } from '../../../src/core/volumes/plan/index.ts';
import { Account } from '../../support/account.ts';

/** What happens to a file of the name after it was sent with the content `sent`; what one side has not is not there. */
interface Situation {
  name: string;
  here: string | null;
  there: string | null;
  /** The file there has the time at which it was sent, whatever its content. */
  sameTime?: boolean;
  /** It was never sent. */
  strange?: boolean;
  plan: 'same' | 'send' | 'conflict' | 'left' | 'aside' | 'asked' | 'nothing';
}

const situations: Situation[] = [
  { name: 'src/same.py', here: 'sent', there: 'sent', sameTime: true, plan: 'same' },
  { name: 'src/touched there.py', here: 'sent', there: 'sent', plan: 'same' },
  { name: 'src/changed here.py', here: 'here', there: 'sent', sameTime: true, plan: 'send' },
  { name: 'src/changed here, touched there.py', here: 'here', there: 'sent', plan: 'send' },
  { name: 'src/longer here.py', here: 'longer', there: 'sent', plan: 'send' },
  { name: 'src/changed there.py', here: 'sent', there: 'chgd', plan: 'left' },
  { name: 'src/longer there.py', here: 'sent', there: 'longer', plan: 'left' },
  { name: 'src/both.py', here: 'here', there: 'chgd', plan: 'conflict' },
  { name: 'src/both longer.py', here: 'here', there: 'longer', plan: 'conflict' },
  { name: 'src/both alike.py', here: 'alik', there: 'alik', plan: 'same' },
  { name: 'src/both alike and longer.py', here: 'alike!', there: 'alike!', plan: 'same' },
  { name: 'src/gone there.py', here: 'sent', there: null, plan: 'send' },
  { name: 'src/gone there, changed here.py', here: 'here', there: null, plan: 'send' },
  { name: 'src/gone here.py', here: null, there: 'sent', sameTime: true, plan: 'aside' },
  { name: 'src/gone here, touched there.py', here: null, there: 'sent', plan: 'aside' },
  { name: 'src/gone here, changed there.py', here: null, there: 'chgd', plan: 'left' },
  { name: 'src/gone on both sides.py', here: null, there: null, plan: 'nothing' },
  { name: 'src/gone.csv', here: null, there: 'sent', sameTime: true, plan: 'asked' },
  { name: 'src/e\u0301.py', here: 'sent', there: 'sent', sameTime: true, plan: 'same' },
  { name: 'src/strange.py', here: 'sent', there: 'chgd', strange: true, plan: 'conflict' },
  { name: 'src/strange and longer.py', here: 'sent', there: 'longer', strange: true, plan: 'conflict' },
  { name: 'src/strange and alike.py', here: 'sent', there: 'sent', strange: true, plan: 'same' },
  { name: 'src/new.py', here: 'sent', there: null, strange: true, plan: 'send' },
  { name: 'src/[x]*?.py', here: 'sent', there: 'chgd', plan: 'left' },
];

/** A file that was sent in one Unicode form, and is here in another. */
const [sentAs, hereAs] = ['src/n\u0303.py', 'src/\u00f1.py'];

describe('S3 and SSH decide alike (R2.1, R2.5)', function () {
  let account: Account;
  let volume: Volume;

  before(async () => {
    account = await Account.open();
    volume = await account.volume('data');
    await account.rentPod(volume);
  });
  after(() => account.close());

  const there = (name: string, file: string): string =>
    path.join(account.sandbox.volumeDirectory(volume.id), 'projects', name, file);

  const write = (file: string, content: string): void => {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  };

  const installationFor = (route: RouteKind): Account['installation'] =>
    route === 's3' ? account.installation : { ...account.installation, s3: undefined };

  /** Sends everything over a route, and lets the situations come about. */
  async function play(name: string, route: RouteKind): Promise<LoadedProject> {
    const root = path.join(account.folder, name);
    const here = (file: string): string => path.join(root, file);
    const file = here('training.runpod.json');
    const target = { volume: { name: 'data' }, cpu: {}, image: 'runpod/base:1.0.2-ubuntu2404' };
    for (const { name: one, strange } of situations) {
      if (strange !== true) write(here(one), 'sent');
    }
    write(here(sentAs), 'sent');
    const steps = [{ name: 'a', shell: 'true' }];
    write(file, JSON.stringify({ version: 1, name, target, sync: { must: ['src/'] }, steps }));
    const loaded = await loadProject(file);
    const prepared = await planSync(installationFor(route), loaded, { route });
    await runSync(installationFor(route), loaded, prepared, {
      confirm: () => Promise.resolve(true),
      onEvent: () => undefined,
    });
    // Times over S3 have whole seconds.
    await sleep(2_100);
    for (const one of situations) {
      const far = there(name, one.name);
      if (one.there === null) {
        rmSync(far, { force: true });
      } else if (one.sameTime !== true) {
        write(far, one.there);
      } else {
        assert.equal(readFileSync(far, 'utf8'), one.there);
      }
      if (one.here === null) {
        rmSync(here(one.name));
      } else {
        write(here(one.name), one.here);
      }
    }
    rmSync(here(sentAs));
    write(here(hereAs), 'sent');
    return loaded;
  }

  function decided(plan: TransferPlan, name: string): string[] {
    const ghost = plan.ghosts.find((g) => g.path === name);
    return [
      ...(plan.send.some((f) => f.path === name) ? ['send'] : []),
      ...(plan.conflicts.some((c) => c.path === name) ? ['conflict'] : []),
      ...(plan.notes.some((note) => note.startsWith(`${name} `)) ? ['left'] : []),
      ...(ghost === undefined ? [] : [{ 'set-aside': 'aside', ask: 'asked', keep: 'kept' }[ghost.then]]),
      ...(plan.deletes.includes(name) ? ['delete'] : []),
    ];
  }

  /** The plan without what is about the route itself. */
  function content(plan: TransferPlan): object {
    const times = plan.conflicts.map(({ path: name, here, there: far, why }) => ({
      name,
      why,
      sizes: [here.size, far.size],
    }));
    return {
      send: plan.send,
      unchanged: plan.unchanged,
      conflicts: times,
      ghosts: plan.ghosts,
      deletes: plan.deletes,
      notes: plan.notes,
    };
  }

  for (const sentOver of ['s3', 'ssh'] as const) {
    it(`about everything that can happen to a file that was sent over ${sentOver}`, async () => {
      const loaded = await play(`over-${sentOver}`, sentOver);
      const plans = {
        s3: (await planSync(installationFor('s3'), loaded)).plan,
        ssh: (await planSync(installationFor('ssh'), loaded)).plan,
      };
      assert.deepEqual([plans.s3.comparedWith.kind, plans.ssh.comparedWith.kind], ['volume', 'volume']);
      for (const { name, plan: wanted } of situations) {
        const words = wanted === 'same' || wanted === 'nothing' ? [] : [wanted];
        assert.deepEqual(decided(plans.s3, name), words, `s3: ${name}`);
        assert.deepEqual(decided(plans.ssh, name), words, `ssh: ${name}`);
      }
      assert.deepEqual([decided(plans.s3, sentAs), decided(plans.s3, hereAs)], [['aside'], ['send']]);
      assert.deepEqual(content(plans.ssh), content(plans.s3));
      const deleting = {
        s3: (await planSync(installationFor('s3'), loaded, { deletes: true })).plan,
        ssh: (await planSync(installationFor('ssh'), loaded, { deletes: true })).plan,
      };
      assert.deepEqual(content(deleting.ssh), content(deleting.s3));
      assert.ok(deleting.s3.deletes.includes('src/gone.csv'));
    });
  }

  it('and carry it out alike', async () => {
    const ends = await Promise.all(
      (['s3', 'ssh'] as const).map(async (route) => {
        const name = `done-${route}`;
        const loaded = await play(name, route);
        const prepared = await planSync(installationFor(route), loaded, { deletes: true });
        const result = await runSync(installationFor(route), loaded, prepared, {
          confirm: () => Promise.resolve(true),
          onEvent: () => undefined,
        });
        assert.ok(result);
        const { sent, deleted, left } = result;
        const files = [...situations.map((s) => s.name), sentAs, hereAs].map((file) => {
          const place = there(name, file);
          return [
            file,
            statSync(place, { throwIfNoEntry: false })?.isFile() === true ? readFileSync(place, 'utf8') : null,
          ];
        });
        return { sent, deleted, left: left.sort(), files };
      }),
    );
    assert.deepEqual(ends[1], ends[0]);
  });

  it('after another program gave every file another time, as a move over S3 does', async () => {
    const loaded = await play('moved', 's3');
    for (const { name } of situations) {
      const far = there('moved', name);
      if (statSync(far, { throwIfNoEntry: false }) !== undefined) utimesSync(far, 1_700_000_000, 1_700_000_000);
    }
    const { plan } = await planSync(installationFor('s3'), loaded);
    for (const { name, plan: wanted } of situations) {
      assert.deepEqual(decided(plan, name), wanted === 'same' || wanted === 'nothing' ? [] : [wanted], name);
    }
  });
});
