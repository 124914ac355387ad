import type { Check } from '../check.ts';
import type { Facts } from '../facts.ts';
import type { Say } from '../finding.ts';
import { mayMeet, names } from '../overlap.ts';
import { some } from '../text.ts';
import { ruleText } from '../../../files/excluded.ts';
import type { ScanResult } from '../../../files/scan.ts';
import { didYouMean } from '../../../project/check.ts';
import { nearbyFile, projectFiles } from '../../../project/nearby.ts';
import { count, isLeftOut, scanNoteText } from '../../../words/index.ts';
import { fileFix } from './step-files.ts';

const manyFiles = 20_000;

export const upload: Check = {
  id: 'upload',
  title: 'Files to upload',
  run: async (facts, say) => {
    if (!facts.rentsPod) {
      return;
    }
    const found = await facts.scan();
    for (const { list, pattern } of found.missing) {
      const near = /[*?[]/.test(pattern) ? undefined : nearbyFile(pattern, await projectFiles(facts.root));
      missing(facts, say, found, { list, pattern, near });
    }
    for (const note of found.notes) {
      const leftOut = isLeftOut(note);
      say.warning(leftOut ? 'upload-left-out' : 'names-alike', {
        what: scanNoteText(note),
        why: leftOut
          ? 'The pod will not have it.'
          : 'The pod gets all of them; a machine that does not tell them apart keeps one.',
        next: leftOut ? 'Replace links by files, and give every name valid letters.' : 'Rename one of them.',
        at: facts.place('sync'),
      });
    }
    environments(facts, say, found);
    if (found.files.length > manyFiles) {
      say.warning('many-files', {
        what: `${count(found.files.length, 'file')} would be uploaded one by one.`,
        why: 'A volume needs a moment and about 64 KB for every file; hundreds of thousands take hours.',
        next: 'Put them into an archive with "sync.archives", or name folders that the pod does not need in "sync.never".',
        at: facts.place('sync'),
      });
    }
  },
};

interface Missing {
  list: string;
  pattern: string;
  /** What was probably meant. */
  near: string | undefined;
}

function missing(facts: Facts, say: Say, found: ScanResult, { list, pattern, near }: Missing): void {
  const key = list as 'must' | 'data' | 'archives';
  const index =
    key === 'archives'
      ? (facts.project.sync.archives ?? []).findIndex((a) => a.from === pattern)
      : facts.project.sync[key].indexOf(pattern);
  const at = facts.place('sync', key, ...(index === -1 ? [] : [index]));
  const maker = facts.steps('local').find(({ step }) => (step.outputs ?? []).some((o) => mayMeet(o, pattern)));
  if (maker !== undefined) {
    return;
  }
  const hidden = found.ignored.find((group) =>
    group.examples.some((e) => names(pattern, e) || pattern.startsWith(e) || mayMeet(pattern, e)),
  );
  if (hidden !== undefined) {
    const line = hidden.from === 'project' ? facts.project.sync.never.indexOf(hidden.rule) : -1;
    say.error('never-hides', {
      what: `"${pattern}" is to be uploaded, but ${ruleText(hidden)} leaves it out.`,
      why: `Such a rule wins over the lists of what is uploaded, so the pod would not have ${some(hidden.examples)}.`,
      next:
        hidden.from === 'always'
          ? 'Keep the files elsewhere, or take the entry out.'
          : 'Make the rule narrower, or take the entry out.',
      at: line === -1 ? at : facts.place('sync', 'never', line),
    });
    return;
  }
  const create = !/[*?[]/.test(pattern) && !pattern.endsWith('/') && key === 'must' ? pattern : undefined;
  say.error('upload-missing', {
    what: `Nothing matches "${pattern}" of "sync.${list}".${didYouMean(near)}`,
    why: 'The steps on the pod would miss it after the pod has been paid for.',
    next: 'Make the file (a local step may do it and name it among its outputs), correct the name, or remove the entry.',
    at,
    ...fileFix({ kind: 'file', near, create }, at),
  });
}

/** A virtual environment is thousands of files that work on this machine only. */
function environments(facts: Facts, say: Say, { files }: ScanResult): void {
  const found = files.find((f) => f.path === 'pyvenv.cfg' || f.path.endsWith('/pyvenv.cfg'));
  if (found !== undefined) {
    const folder = found.path.split('/').slice(0, -1).join('/');
    say.warning('upload-environment', {
      what: `The Python environment ${folder}/ would be uploaded.`,
      why: 'It is thousands of files, and works on this machine only.',
      next: `Add "${folder}/" to "sync.never"; packages for the pod belong in "target.requirements".`,
      at: facts.place('sync', 'never'),
    });
  }
}
