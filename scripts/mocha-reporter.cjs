// mocha's spec reporter, plus the counts as JSON in the file that the option `output` names.
const { writeFileSync } = require('node:fs');
const { Runner, reporters } = require('mocha');

module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const { output } = options.reporterOptions ?? options.reporterOption;
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      writeFileSync(output, JSON.stringify({ passed: runner.stats.passes, failed: runner.stats.failures }));
    });
  }
};
