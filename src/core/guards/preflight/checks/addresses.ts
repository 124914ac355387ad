import { homedir } from 'node:os';
import type { Check } from '../check.ts';
import type { Facts } from '../facts.ts';
import type { Say } from '../finding.ts';
import { privateAddress } from '../private-address.ts';
import { some } from '../text.ts';

export const addresses: Check = {
  id: 'addresses',
  title: 'Addresses and paths that a pod cannot reach',
  run: async (facts, say) => {
    if (!facts.rentsPod) {
      return;
    }
    for (const { value, name, at, soft } of settings(facts)) {
      look(facts, say, value, name, at, soft);
    }
    await sources(facts, say);
  },
};

interface Setting {
  value: string;
  name: string;
  at: (string | number)[];
  /** A shell command may start a server of its own. */
  soft: boolean;
}

function settings(facts: Facts): Setting[] {
  const { env } = facts.project;
  const ofProject = Object.entries(env).map(([name, value]) => ({
    value,
    name,
    at: facts.place('env', name),
    soft: false,
  }));
  const ofSteps = facts
    .steps('pod')
    .flatMap(({ step, index }) =>
      [
        ...Object.entries(step.env ?? {}).map(([name, value]) => setting(value, name, 'env', name)),
        ...(step.args ?? []).map((value, k) => setting(value, '', 'args', k)),
        ...Object.entries(step.parameters ?? {}).flatMap(([name, value]) =>
          texts(value).map((text) => setting(text, name, 'parameters', name)),
        ),
        ...(step.shell === undefined ? [] : [{ ...setting(step.shell, '', 'shell'), soft: true }]),
      ].map((s) => ({ ...s, at: facts.place('steps', index, ...s.at) })),
    );
  return [...ofProject, ...ofSteps];
}

function setting(value: string, name: string, ...at: (string | number)[]): Setting {
  return { value, name, at, soft: false };
}

/** All texts in a parameter's value. */
function texts(value: unknown): string[] {
  if (typeof value === 'string') {
    return [value];
  }
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
}

function look(facts: Facts, say: Say, value: string, name: string, at: (string | number)[], soft: boolean): void {
  const address = privateAddress(value, name);
  if (address !== undefined) {
    const details = {
      what: `${name === '' ? 'A setting of a step' : name} points at ${withoutLogin(address)}.`,
      why: 'On the pod that is the pod itself or nothing: it cannot reach this machine or its network.',
      next: 'Use an address on the internet, start the service in a step on the pod, or make it a local step.',
      at,
    };
    if (soft) {
      say.warning('address-private', details);
    } else {
      say.error('address-private', details);
    }
  }
  const path = [facts.root, homedir()].find(
    (folder) => folder.length > 3 && folder !== '/root' && (value === folder || value.startsWith(`${folder}/`)),
  );
  if (path !== undefined || /^[A-Za-z]:\\/.test(value)) {
    say.error('path-of-this-machine', {
      what: `${name === '' ? 'A setting of a step' : name} is a path of this machine: ${value.slice(0, 120)}.`,
      why: 'The pod has the project elsewhere, and nothing else of this machine.',
      next: 'Use a path relative to the project; steps start in its folder.',
      at,
    });
  }
}

/** What sources of steps on the pod name may be meant for this machine only, so it is a warning. */
async function sources(facts: Facts, say: Say): Promise<void> {
  const { entries, strings } = await facts.python();
  for (const { step, index } of facts.steps('pod')) {
    const own = strings.filter(([unit]) => entries[step.name]?.files.includes(unit) === true);
    const addressed = own.filter(([, kind]) => kind === 'address');
    const at = facts.place('steps', index);
    if (addressed.length > 0) {
      say.warning('address-in-code', {
        what: `The step ${step.name} names ${some(addressed.map(([unit, , text, line]) => `${withoutLogin(text)} (${unit}, line ${line})`))}.`,
        why: 'On the pod that is the pod itself or nothing.',
        next: 'Check that the step starts the service itself, or take the address from a variable.',
        at,
      });
    }
    const paths = own.filter(([, kind]) => kind === 'home');
    if (paths.length > 0) {
      say.warning('path-in-code', {
        what: `The step ${step.name} names ${some(paths.map(([unit, , text, line]) => `${text} (${unit}, line ${line})`))}.`,
        why: 'That is a path of this machine, which the pod does not have.',
        next: 'Use a path relative to the project; steps start in its folder.',
        at,
      });
    }
  }
}

/** Without the name and password that an address may hold. */
function withoutLogin(address: string): string {
  return address.replace(/\/\/[^\s/@]*@/, '//');
}
