/** Folders with an order of their rooms, the lowest first. Their lists are the only place where it is written. */
const ordered = ['src/core', 'src/features'];

/** The rules that keep the order of one folder. */
function orderOf(folder) {
  const rooms = require(`./${folder}/rooms.json`);
  /** Files of a room: those of the folder itself where a room below it has a name of its own. */
  const within = (room) => {
    const nested = rooms.filter((other) => other.startsWith(`${room}/`));
    return nested.length > 0 ? `^${folder}/${room}/[^/]+$` : `^${folder}/${room}(/|$)`;
  };
  return rooms.slice(0, -1).map((room, index) => ({
    name: `${folder}/${room} is below`,
    severity: 'error',
    comment: `A room imports only from itself and from rooms before it in ${folder}/rooms.json.`,
    from: { path: within(room) },
    to: { path: rooms.slice(index + 1).map(within) },
  }));
}

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
    ...ordered.flatMap(orderOf),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js'] },
  },
};
