import type { Check } from '../check.ts';
import type { Facts } from '../facts.ts';
import type { Say } from '../finding.ts';
import { some } from '../text.ts';

export const requirements: Check = {
  id: 'requirements',
  title: 'Requirements file',
  run: async (facts, say) => {
    const file = facts.project.target.requirements;
    if (file === undefined || !facts.rentsPod) {
      return;
    }
    const at = facts.place('target', 'requirements');
    const found = await facts.requirements();
    if (found === undefined) {
      say.error('requirements-missing', {
        what: `The requirements file ${file} does not exist.`,
        why: 'The packages of the steps are installed from it.',
        next: 'Create it, or take "target.requirements" out.',
        at,
        fix: { title: `Create ${file}`, command: 'create-file', args: { file } },
      });
      return;
    }
    if (!(await facts.isUploaded(file))) {
      say.error('requirements-not-uploaded', {
        what: `The requirements file ${file} is not uploaded.`,
        why: 'The pod could not install what the steps need.',
        next: `Add "${file}" to "sync.must".`,
        at,
      });
    }
    lines(facts, say, found, at);
  },
};

function lines(
  facts: Facts,
  say: Say,
  {
    file,
    all,
    missing,
  }: { file: string; all: NonNullable<Awaited<ReturnType<Facts['requirements']>>>['all']; missing: string[] },
  at: (string | number)[],
): void {
  for (const { line, text, why } of all.bad) {
    say.error(why === 'syntax' ? 'requirements-line' : 'requirements-local', {
      what: `${file}, line ${line}: "${text.slice(0, 100)}" ${why === 'syntax' ? 'is no requirement' : 'is a path of this machine'}.`,
      why: 'pip would refuse the whole file, on a pod that is paid for.',
      next: why === 'syntax' ? 'Write it as name==version.' : 'Name a published version, or a repository address.',
      at,
    });
  }
  if (missing.length > 0) {
    say.error('requirements-include', {
      what: `${file} includes ${some(missing)}, which does not exist.`,
      why: 'pip would refuse the whole file.',
      next: 'Correct the name, or add the file (and upload it).',
      at,
    });
  }
  const pins = new Map<string, { pin: string; line: number }>();
  for (const { name, pin, line } of all.packages) {
    const other = pins.get(name);
    if (pin !== undefined && other !== undefined && other.pin !== pin) {
      say.error('requirements-conflict', {
        what: `${file} asks for ${name} ${other.pin} (line ${other.line}) and ${pin} (line ${line}).`,
        why: 'pip cannot install both and refuses the whole file.',
        next: 'Keep one of them.',
        at,
      });
    }
    if (pin !== undefined) {
      pins.set(name, { pin, line });
    }
  }
  const torch = all.packages.find((p) => p.name === 'torch');
  const { image } = facts;
  const same = torch?.pin !== undefined && image?.torch !== undefined && torch.pin.startsWith(`${image.torch}.`);
  if (torch !== undefined && image?.official === 'pytorch' && !same) {
    say.warning('requirements-torch', {
      what: `${file} names torch (line ${torch.line}), which the image brings along${image.torch === undefined ? '' : ` in version ${image.torch}`}.`,
      why: "The one from the index may be built for another CUDA, and replacing the image's takes gigabytes and minutes of paid time.",
      next: 'Leave torch out, or choose the image with the version that you need.',
      at,
    });
  }
}
