// What the check says of a gate before a run, beside what the worker says of it on the pod, over parquet files that other
// programs write: every type, encoding and codec that they have.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gateVerdict } from '../../src/core/guards/preflight/gate-verdict.ts';
import { UnknownFact } from '../../src/core/guards/preflight/memo.ts';
import { readFooter } from '../../src/core/guards/preflight/parquet.ts';
import { parseProject } from '../../src/core/project/parse.ts';
import type { Gate } from '../../src/core/project/schema.ts';

const run = promisify(execFile);
export const say = (text: string): void => void process.stdout.write(`${text}\n`);
const script = fileURLToPath(new URL('parquet.py', import.meta.url));

export interface Asked {
  cases: number;
  passed: number;
  failed: number;
  /** Gates that the check does not judge. */
  unknown: string[];
  /** Refused before the run, passed on the pod. */
  falseRefusals: string[];
  /** Passed before the run, failed on the pod. */
  missedFailures: string[];
  /** Judged otherwise by the worker than whoever wrote the file knows. */
  wrong: string[];
}

/** `writers` by name with the Python that has them. */
export async function compareParquet(
  writers: ReadonlyMap<string, string>,
  options: { python: string; seed: string; files: number },
): Promise<Asked> {
  const folder = await mkdtemp(join(tmpdir(), 'compare-parquet-'));
  try {
    for (const [writer, python] of writers) {
      await run(python, [script, 'write', writer, folder, options.seed, String(options.files)]);
    }
    await run(options.python, [script, 'ask', folder]);
    const lines = async (name: string): Promise<string[]> =>
      (await readFile(join(folder, name), 'utf8')).trimEnd().split('\n');
    const [cases, answers] = [await lines('cases.jsonl'), await lines('answers.jsonl')];
    const asked: Asked = {
      cases: 0,
      passed: 0,
      failed: 0,
      unknown: [],
      falseRefusals: [],
      missedFailures: [],
      wrong: [],
    };
    for (const [i, line] of cases.entries()) {
      await judge(asked, folder, line, answers[i] ?? '');
    }
    return asked;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function judge(asked: Asked, folder: string, line: string, answered: string): Promise<void> {
  const { holds, told } = JSON.parse(line) as { holds: boolean | null; told: string };
  const { status, message } = JSON.parse(answered) as { status: string; message: string | null };
  const text = line.replace(/, "holds": .*$/, '}');
  const on = (why: string): string => `${text} ${why} (${told})`;
  asked.cases += 1;
  asked.passed += Number(status === 'passed');
  asked.failed += Number(status !== 'passed');
  if (holds !== null && holds !== (status === 'passed')) {
    asked.wrong.push(on(message ?? 'passed'));
  }
  let verdict: string | undefined;
  try {
    const facts = { parquet: (path: string) => readFooter(join(folder, path)) };
    verdict = await gateVerdict(facts, gateOf(text), [], AbortSignal.timeout(60_000));
  } catch (error) {
    if (!(error instanceof UnknownFact)) {
      throw error;
    }
    asked.unknown.push(on(error.message));
    return;
  }
  if (verdict !== undefined && status === 'passed') {
    asked.falseRefusals.push(on(verdict));
  } else if (verdict === undefined && status !== 'passed') {
    asked.missedFailures.push(on(message ?? ''));
  }
}

/** The gate as a project file has it. */
function gateOf(line: string): Gate {
  const gate = /^\{"gate": (.*)\}$/.exec(line)?.[1] ?? '';
  const { project, problems } = parseProject(
    `{"version": 1, "name": "compare", "target": {"volume": {"name": "v"}, "cpu": {}, "image": "i"},
     "steps": [{"name": "one", "shell": "true", "gates": [${gate}]}]}`,
  );
  const found = project?.steps[0]?.gates[0];
  if (found === undefined) {
    throw new Error(`${line}: ${problems.map((p) => p.message).join(' ')}`);
  }
  return found;
}

/** `npm run compare -- parquet [files] [seed]`; true when both agree. */
export async function parquet([files = '120', seed = '1']: string[], python: string): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'fastparquet-'));
  try {
    say('Installing fastparquet for this run …');
    await run(python, ['-m', 'venv', folder]);
    const other = join(folder, 'bin', 'python');
    await run(other, ['-m', 'pip', 'install', '--quiet', 'fastparquet', 'pandas']);
    const writers = new Map([
      ['pyarrow', python],
      ['fastparquet', other],
    ]);
    const asked = await compareParquet(writers, { python, seed, files: Number(files) });
    for (const name of ['falseRefusals', 'missedFailures', 'wrong', 'unknown'] as const) {
      for (const text of asked[name].slice(0, 20)) {
        say(`  ${name}: ${text}`);
      }
    }
    say(
      `${asked.cases} gates: ${asked.passed} hold, ${asked.failed} do not; ${asked.falseRefusals.length} false refusals, ` +
        `${asked.missedFailures.length} missed failures, ${asked.unknown.length} not judged before the run, ` +
        `${asked.wrong.length} other than the file's writer knows`,
    );
    const enough = asked.cases >= 1000;
    return enough && asked.falseRefusals.length + asked.missedFailures.length + asked.wrong.length === 0;
  } finally {
    await rm(folder, { recursive: true });
  }
}
