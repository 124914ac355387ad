import type { Random } from '../support/random.ts';

/** What tends to break readers of text and JSON. */
const tokens = [
  ...['{', '}', '[', ']', ',', ':', '"', "'", '\\', '/', '//', '/*', '*/', '\n', '\r', '\t', '\0', '\u2028', '\ufeff'],
  ...['null', 'true', 'NaN', 'Infinity', '-0', '1e400', '1e-400', '9007199254740993', '0x10', '01', '.5', '1.'],
  ...[
    '"__proto__": 1,',
    '"constructor": {},',
    '"a": 1, "a": 2,',
    '"\\u0000"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\x"',
  ],
  ...['🌈', 'é', 'e\u0301', '\u202e', '../', './', '**/', 'C:\\', '~', '$(id)', '-r a.txt', '; python_version < "3"'],
  ...[
    '%%bash',
    '!ls',
    '%run x',
    ' @ file:///x',
    '--hash=sha256:0',
    '==1.*',
    '\\\n',
    '#',
    '{'.repeat(60),
    '['.repeat(3000),
  ],
];

const values: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    1,
    1.5,
    1e21,
    9007199254740991,
    1e300,
    '',
    'x',
    'constructor',
    '__proto__',
    '../x',
    '\0',
  ],
  ...['*', 'a/b', 'x'.repeat(5000), [], {}, [[]], [null], { a: 1 }, { type: 'rows' }, ['a', 1], { name: 5 }],
];

/** A file that may be broken: bytes, text or structure of one of the good ones changed a few times. */
export function mutated(random: Random, good: readonly Buffer[]): Buffer {
  let bytes = random.pick(good);
  const json = random.of(2) === 0 ? parsed(bytes) : undefined;
  if (json !== undefined) {
    for (let i = random.of(3); i >= 0; i--) {
      changeTree(random, json);
    }
    bytes = Buffer.from(JSON.stringify(json, null, random.pick([0, 1, 2])));
  }
  for (let i = random.of(json === undefined ? 4 : 2) + (json === undefined ? 1 : 0); i > 0; i--) {
    bytes = random.pick(changes)(random, bytes, random.pick(good));
  }
  return bytes;
}

function parsed(bytes: Buffer): object | undefined {
  try {
    const value = JSON.parse(bytes.toString('utf8')) as unknown;
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Puts, takes away, renames or doubles a value at a random place. */
function changeTree(random: Random, root: object): void {
  let node = root as Record<string, unknown>;
  for (;;) {
    const keys = Object.keys(node);
    if (keys.length === 0) {
      return;
    }
    const key = random.pick(keys);
    const below = node[key];
    if (typeof below === 'object' && below !== null && random.of(4) > 0) {
      node = below as Record<string, unknown>;
      continue;
    }
    switch (random.of(5)) {
      case 0:
        Reflect.deleteProperty(node, key);
        break;
      case 1:
        node[`${key}${random.pick(['s', '_', ' ', '\u0000', ''])}`] = below;
        break;
      case 2:
        node[random.pick(['constructor', 'toString', 'hasOwnProperty', 'type', 'name', 'path'])] = below;
        break;
      default:
        node[key] = structuredClone(random.pick(values));
    }
    return;
  }
}

type Change = (random: Random, bytes: Buffer, other: Buffer) => Buffer;

const at = (random: Random, bytes: Buffer): number => random.of(bytes.length + 1);

const join = (bytes: Buffer, start: number, middle: Buffer | string, end = start): Buffer =>
  Buffer.concat([bytes.subarray(0, start), Buffer.from(middle as string), bytes.subarray(end)]);

const changes: readonly Change[] = [
  (random, bytes) => join(bytes, at(random, bytes), random.pick(tokens)),
  (random, bytes) => join(bytes, at(random, bytes), random.pick(tokens)),
  (random, bytes) => join(bytes, at(random, bytes), random.bytes(1 + random.of(3))),
  (random, bytes) => bytes.subarray(0, at(random, bytes)),
  (random, bytes) => bytes.subarray(at(random, bytes)),
  (random, bytes) => {
    const start = at(random, bytes);
    return join(bytes, start, '', Math.min(bytes.length, start + 1 + random.of(40)));
  },
  (random, bytes) => {
    const start = at(random, bytes);
    const part = bytes.subarray(start, start + random.of(80));
    return join(bytes, at(random, bytes), part);
  },
  (random, bytes, other) => join(bytes, at(random, bytes), other.subarray(at(random, other))),
  (random, bytes) => {
    const copy = Buffer.from(bytes);
    copy[at(random, bytes)] = random.of(256);
    return copy;
  },
  (random, bytes) =>
    Buffer.from(bytes.toString('utf8').replace(/\d+/g, (n) => (random.of(3) > 0 ? n : random.pick(tokens)))),
  (random, bytes) => Buffer.from(bytes.toString('utf8').replaceAll('\n', random.pick(['\r\n', '\r', '\n\n']))),
  (random, bytes) => Buffer.from(`\ufeff${bytes.toString('utf8')}`, random.pick(['utf8', 'utf16le', 'latin1'])),
];
