/** The rooms of src/core, the lowest first. This list is the only place where their order is written. */
const rooms = require('./src/core/rooms.json');

/** Files of a room: those of the folder itself where a room below it has a name of its own. */
const within = (room) => {
  const nested = rooms.filter((other) => other.startsWith(`${room}/`));
  return nested.length > 0 ? `^src/core/${room}/[^/]+$` : `^src/core/${room}(/|$)`;
};

/** Imports that are refused; ESLint keeps the arrows between core and its callers. */
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
    ...rooms.slice(0, -1).map((room, index) => ({
      name: `${room} is below`,
      severity: 'error',
      comment: 'A room imports only from itself and from rooms before it in src/core/rooms.json.',
      from: { path: within(room) },
      to: { path: rooms.slice(index + 1).map(within) },
    })),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js'] },
  },
};
