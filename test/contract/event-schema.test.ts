import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { limits } from '../../src/core/contract.ts';
import { jobEventSchema } from '../../src/core/journal/events.ts';
import { parseJobState } from '../../src/core/journal/state.ts';
import { seeded, type Random } from '../support/random.ts';
import { read, vectors } from './folder.ts';

const ajv = new Ajv2020({ allErrors: false, allowUnionTypes: true });
ajv.addSchema(JSON.parse(read('contract/events.schema.json')) as object, 'events.schema.json');
ajv.addSchema(JSON.parse(read('contract/state.schema.json')) as object, 'state.schema.json');
const bySchema = (event: unknown): boolean => ajv.validate('events.schema.json', event);
const byClient = (event: unknown): boolean => jobEventSchema.safeParse(event).success;

type Json = Record<string, unknown>;
const cases = vectors<{ event: Json; valid: boolean }>('events');
const good = cases.filter(({ valid }) => valid).map(({ event }) => event);

/** A copy in which one value somewhere is another one, or gone. */
function changed(event: Json, { of, pick }: Random): Json {
  const copy = structuredClone(event);
  const places: [Json, string][] = [];
  const visit = (value: unknown): void => {
    if (typeof value === 'object' && value !== null) {
      for (const key of Object.keys(value)) {
        places.push([value as Json, key]);
        visit((value as Json)[key]);
      }
    }
  };
  visit(copy);
  const [owner, key] = pick(places);
  const others: unknown[] = [
    null,
    true,
    '',
    'x',
    'passed',
    -1,
    0,
    1,
    1.5,
    2 ** 53,
    1e300,
    [],
    {},
    [null],
    ['x'],
    { a: 1 },
  ];
  others.push('🎵'.repeat(limits.nameCharacters), 'x'.repeat(limits.nameCharacters + 1), { ['x'.repeat(201)]: 1 });
  if (of(5) === 0 && !Array.isArray(owner)) {
    Reflect.deleteProperty(owner, key);
  } else {
    owner[key] = pick(others);
  }
  return copy;
}

describe("the schema of the journal's events", () => {
  it('takes and refuses what the vectors say, and so does the client', () => {
    for (const { name, event, valid } of cases) {
      assert.equal(bySchema(event), valid, name);
      assert.equal(byClient(event), valid, `${name}, by the client`);
    }
  });

  it('agrees with the client about events of which something was changed', () => {
    let refused = 0;
    for (let seed = 1; seed <= 4000; seed++) {
      const random = seeded(seed);
      const event = changed(random.pick(good), random);
      assert.equal(byClient(event), bySchema(event), `seed ${seed}: ${JSON.stringify(event).slice(0, 500)}`);
      refused += byClient(event) ? 0 : 1;
    }
    assert.ok(refused > 1000 && refused < 3900, `${refused} of 4000 were refused`);
  });

  it('has the numbers of limits.json', () => {
    const event = (type: string): Json => structuredClone(good.find((e) => e['type'] === type) ?? {});
    const sizes: [string, number, (size: number) => Json, readable?: number][] = [
      [
        'text',
        limits.eventTextBytes,
        (n) => ({ ...event('note'), text: 'x'.repeat(n) }),
        limits.readableTextCharacters,
      ],
      [
        'text of emoji',
        limits.eventTextBytes,
        (n) => ({ ...event('note'), text: '🎵'.repeat(n) }),
        limits.readableTextCharacters,
      ],
      [
        'lines',
        limits.logEventLines,
        (n) => ({ ...event('log'), lines: Array<string>(n).fill('x') }),
        limits.readableLogLines,
      ],
      [
        'line',
        limits.logLineCharacters,
        (n) => ({ ...event('log'), lines: ['🎵'.repeat(n)] }),
        limits.readableTextCharacters,
      ],
      ['argv', limits.eventListItems, (n) => ({ ...event('step.started'), argv: Array<string>(n).fill('x') })],
      ['name', limits.nameCharacters, (n) => ({ ...event('cell'), step: 'x'.repeat(n) })],
    ];
    for (const [name, most, make, readable = most] of sizes) {
      assert.ok(bySchema(make(most)) && !bySchema(make(most + 1)), `${name} of ${most}`);
      // Journals of earlier workers stay readable.
      assert.ok(byClient(make(readable)) && !byClient(make(readable + 1)), `${name} of ${readable}, by the client`);
    }
  });

  it('describes a snapshot that the client reads', () => {
    const time = '2026-11-22T09:30:12.123Z';
    const state = {
      schema: limits.stateSchemaNumber,
      job: 'p-1',
      project: 'p',
      epoch: 1,
      seq: 0,
      status: 'running',
      step: null,
      reason: null,
      started: time,
      updated: time,
      finished: null,
      podId: null,
      watchdog: { armed: false, detail: 'None.', deadline: null, owners: [] },
      steps: [{ name: 's', where: 'pod', status: 'waiting', seconds: null, why: null, gates: [] }],
    };
    assert.ok(ajv.validate('state.schema.json', state), ajv.errorsText());
    assert.equal(parseJobState('p-1', JSON.stringify(state))?.status, 'running');
    assert.ok(!ajv.validate('state.schema.json', { ...state, status: 'done' }));
  });
});
