import { change, findKnob, learningRateNames } from '../knobs.ts';
import { lastHit, shown } from '../lines.ts';
import type { Change, Detector, Facts } from '../types.ts';

/** Sentences of training code and of Lightning that stop at a loss which is no number. */
const errors = [
  /\bloss(?:es)?\b[^.]{0,40}\b(is|are|became|was|got)\b[^.]{0,20}\b(nan|inf|infinite|not finite|non-finite)\b/i,
  /\b(nan|non-finite|infinite) (loss|gradient)/i,
  /The loss returned in `training_step` is (nan|inf)/i,
  /Function '\w+' returned nan values in its \d+th output/,
];
/** How trainers print values: `{'loss': nan, …}`, `loss=nan`, `loss: 0.41`. */
const reported =
  /['"]?\b(?:train_|training_)?loss['"]?\s*[:=]\s*['"]?([-+]?(?:\d[\d.]*(?:e[-+]?\d+)?|\.\d+|nan|inf(?:inity)?))\b/i;
const rate = /['"]?\b(?:learning_rate|lr)['"]?\s*[:=]\s*['"]?([\d.]+(?:e[-+]?\d+)?)/i;

/** A line that names an error of Python. */
const named = /^[\w.]+(?:Error|Exception|Interrupt|Exit)\b/;

/** The loss stopped being a number. */
export const nanLoss: Detector = {
  kind: 'nan-loss',
  detect: (facts) => {
    const { step, lines, log } = facts;
    const metrics = step?.view.metrics ?? {};
    const metric = Object.keys(metrics).find((name) => /loss/i.test(name) && metrics[name] === null);
    const gate = step?.view.gates.find((g) => g.status === 'failed' && g.type === 'metric' && g.seen === 'not finite');
    const error = lastHit(lines, ...errors);
    const last = lastHit(log, reported);
    // Where the process says that it died of something else, the value of the loss is no reason.
    const isOther = named.test(lines[0] ?? '') && !/\b(?:nan|inf|infinity|finite|loss)\b/i.test(lines.join(' '));
    const lastIsNan = !isOther && last?.match[1] !== undefined && !Number.isFinite(Number(last.match[1]));
    if (
      step === undefined ||
      (gate === undefined && error === undefined && !lastIsNan && (metric === undefined || isOther))
    ) {
      return undefined;
    }
    if (step.status !== 'failed') {
      return undefined;
    }
    const judged = step.view.gates.some((g) => g.status !== 'passed' && ['metric', 'checkpoint'].includes(g.type));
    const finite = lastFinite(facts);
    const lower = lowerRate(facts);
    return {
      // Where a gate on the training fails it is certain; a value alone gives way to what the process says it died of.
      at: judged ? Infinity : (error?.at ?? -0.5),
      what: `The loss of the step ${step.name} is no longer a number.`,
      evidence: [
        ...(gate === undefined ? [] : [`${gate.title}: ${gate.seen}`]),
        ...(error === undefined ? [] : [shown(error.line)]),
        ...(lastIsNan ? [shown(last.line)] : []),
        ...(metric === undefined ? [] : [`${metric} is not finite`]),
        ...(finite === undefined ? [] : [finite]),
      ],
      why: 'Training diverged: the learning rate is too high for this batch size and precision, or the data holds values that are not finite.',
      next: `${lower.text} If it happens in the first steps all the same, look at the data and use bf16 in place of fp16.`,
      change: lower.change,
    };
  },
};

/** The last value of the loss that was a number. */
function lastFinite({ step, evidence: { events } }: Facts): string | undefined {
  const values = events
    .filter((e) => e.type === 'metric' && e.step === step?.name)
    .flatMap((e) => (e.type === 'metric' ? Object.entries(e.values) : []))
    .filter(([name, value]) => /loss/i.test(name) && value !== null);
  const [name, value] = values.at(-1) ?? [];
  return name === undefined ? undefined : `last finite ${name}: ${value ?? ''}`;
}

function lowerRate({ evidence, log, step }: Facts): { text: string; change: Change | null } {
  const knob = findKnob(evidence, step?.name, learningRateNames);
  if (knob !== undefined && knob.value > 0) {
    const made = change(knob, tenth(knob.value));
    return { text: made.text, change: made };
  }
  const logged = log.map((line) => rate.exec(line)?.[1]).map(Number);
  const seen = Math.max(0, ...logged.filter((v) => v > 0 && v < 10));
  if (seen > 0) {
    const text = `Lower the learning rate from ${seen} to ${tenth(seen)} in the code.`;
    return { text, change: { path: null, from: seen, to: tenth(seen), text } };
  }
  return { text: 'Lower the learning rate to a tenth of what the code uses.', change: null };
}

function tenth(value: number): number {
  return Number((value / 10).toPrecision(6));
}
