import type { Check } from '../check.ts';
import { mayMeet } from '../overlap.ts';
import { neverMatcher } from '../../../files/patterns.ts';

export const outputs: Check = {
  id: 'outputs',
  title: 'Outputs and results',
  run: (facts, say) => {
    const { project } = facts;
    const seen = new Map<string, string>();
    // Only what the product itself never carries: "sync.never" is about the way up.
    const never = neverMatcher([]);
    for (const { step, index } of facts.steps()) {
      for (const [k, output] of (step.outputs ?? []).entries()) {
        const at = facts.place('steps', index, 'outputs', k);
        const other = seen.get(output);
        if (other !== undefined) {
          say.warning('output-twice', {
            what: `The steps ${other} and ${step.name} both write ${output}.`,
            why: 'The later one replaces what the earlier one made, and neither can be skipped for sure.',
            next: 'Give each its own folder.',
            at,
          });
        }
        seen.set(output, step.name);
        if (never(output.replace(/\*+.*$/, 'x'))) {
          say.error('output-lost', {
            what: `The step ${step.name} writes ${output}, a place that is never transferred.`,
            why: 'Neither the upload nor the fetching of results touches it.',
            next: 'Write to another folder.',
            at,
          });
        }
      }
    }
    const { fetch, into } = project.onFinish;
    const pod = facts.steps('pod').flatMap(({ step }) => step.outputs ?? []);
    for (const [k, pattern] of fetch.entries()) {
      if (never(pattern.replace(/\*+.*$/, 'x'))) {
        say.warning('fetch-never', {
          what: `"${pattern}" is to be fetched, and is a place that is never transferred.`,
          why: 'Nothing of it would come home.',
          next: 'Let the step write elsewhere.',
          at: facts.place('onFinish', 'fetch', k),
        });
      } else if (pod.length > 0 && !pod.some((o) => mayMeet(o, pattern))) {
        say.warning('fetch-nothing', {
          what: `No step on the pod says that it writes "${pattern}", which is to be fetched.`,
          why: 'The results may stay on the volume.',
          next: 'Correct the pattern, or name the files among the outputs of their step.',
          at: facts.place('onFinish', 'fetch', k),
        });
      }
    }
    if (pod.some((o) => mayMeet(o, `${into}/`))) {
      say.warning('results-mixed', {
        what: `A step writes into ${into}/, where fetched results go.`,
        why: 'That folder is never uploaded, and a step would not find there what it wrote.',
        next: 'Let the step write elsewhere, or set "onFinish.into".',
        at: facts.place('onFinish', 'into'),
      });
    }
  },
};
