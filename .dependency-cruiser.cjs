/** Imports that are refused; ESLint keeps the arrows between rooms, this keeps out cycles. */
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-dead-modules',
      severity: 'error',
      comment: 'A module that nobody imports is dead.',
      from: { orphan: true, pathNot: ['\\.d\\.m?ts$', '^webview/.*/main\\.ts$'] },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js'] },
  },
};
