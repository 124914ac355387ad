import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The whole journal of a job directory: its epochs' files, each earlier one as far as the newest epoch says. */
export function wholeJournal(folder: string): Buffer {
  const epochs = path.join(folder, 'epochs');
  const numbers = existsSync(epochs) ? readdirSync(epochs).filter((name) => /^\d+$/.test(name)) : [];
  const newest = numbers.sort((a, b) => Number(a) - Number(b)).at(-1);
  const read = (name: string): Buffer => {
    const file = path.join(folder, name);
    return existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
  };
  if (newest === undefined) {
    return read('events.jsonl');
  }
  const owner = path.join(epochs, newest, 'owner.json');
  const told = existsSync(owner)
    ? (JSON.parse(readFileSync(owner, 'utf8')) as { before?: Record<string, number> })
    : {};
  if (told.before === undefined) {
    // The epoch did not come to its beginning, and until then nothing is read.
    return Buffer.alloc(0);
  }
  const { before } = told;
  const earlier = Object.entries(before).sort(([a], [b]) => Number(a) - Number(b));
  const name = (epoch: string): string =>
    epoch === (earlier[0]?.[0] ?? newest) ? 'events.jsonl' : `events-${epoch}.jsonl`;
  return Buffer.concat([...earlier.map(([epoch, bytes]) => read(name(epoch)).subarray(0, bytes)), read(name(newest))]);
}
