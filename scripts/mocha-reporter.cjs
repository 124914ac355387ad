// mocha's spec reporter, plus what happened in each test file as JSON in the file that the option `output` names:
// {files: {path: {passed, failed}}, failures: [{title, message}]}
const { writeFileSync } = require('node:fs');
const { Runner, reporters } = require('mocha');

const { EVENT_TEST_PASS, EVENT_TEST_FAIL, EVENT_RUN_END } = Runner.constants;

module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const { output } = options.reporterOptions ?? options.reporterOption;
    const files = {};
    const failures = [];
    const of = (runnable) => (files[runnable.file ?? ''] ??= { passed: 0, failed: 0 });
    runner.on(EVENT_TEST_PASS, (test) => void of(test).passed++);
    runner.on(EVENT_TEST_FAIL, (test, error) => {
      of(test).failed++;
      failures.push({ title: test.fullTitle(), message: String(error?.message ?? error) });
    });
    runner.once(EVENT_RUN_END, () => writeFileSync(output, JSON.stringify({ files, failures })));
  }
};
