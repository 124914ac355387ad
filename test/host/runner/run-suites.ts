import { pathToFileURL } from 'node:url';
import type MochaClass from 'mocha';
import type { Outcome } from '../outcome.ts';

/** Runs bundled suites with the mocha at a path. Never rejects: what goes wrong before a test counts as a failure. */
export async function runSuites(mochaPath: string, suites: string): Promise<Outcome> {
  const outcome: Outcome = { passed: 0, failed: 0, tests: [] };
  try {
    // mocha comes from the project's own packages: bundling it would change how it loads suites.
    const { default: Mocha } = (await import(pathToFileURL(mochaPath).href)) as { default: typeof MochaClass };
    const mocha = new Mocha({ ui: 'bdd', timeout: 60_000, forbidOnly: true, forbidPending: true, reporter: 'min' });
    mocha.addFile(suites);
    await new Promise<void>((done) => {
      const runner = mocha.run(() => done());
      runner.on('pass', (test) => {
        outcome.passed += 1;
        outcome.tests.push({ title: test.fullTitle(), ms: test.duration ?? 0 });
      });
      runner.on('fail', (test, error: Error) => {
        outcome.failed += 1;
        outcome.tests.push({ title: test.fullTitle(), ms: test.duration ?? 0, error: error.stack ?? error.message });
      });
    });
  } catch (error) {
    outcome.failed += 1;
    outcome.tests.push({
      title: 'host test runner',
      ms: 0,
      error: error instanceof Error ? (error.stack ?? '') : String(error),
    });
  }
  return outcome;
}
