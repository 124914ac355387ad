import { seeded } from './random.ts';

/** Letters for keys that nobody has, made anew each time so that no file of this repository looks like it holds one. */
export interface MadeUpKeys {
  /** Letters of both cases and digits, at least one of each. */
  token: (count: number) => string;
  hex: (count: number) => string;
  base32: (count: number) => string;
  base64: (count: number) => string;
}

export function madeUpKeys(seed: number): MadeUpKeys {
  const random = seeded(seed);
  const from = (alphabet: string, count: number): string =>
    Array.from({ length: count }, () => random.pick(Array.from(alphabet))).join('');
  const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz023456789';
  return {
    token: (count) => {
      const text = from(letters, count);
      return /[a-z]/.test(text) && /[A-Z]/.test(text) && /\d/.test(text) ? text : `a7K${text.slice(3)}`;
    },
    hex: (count) => from('0123456789abcdef', count),
    base32: (count) => from('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', count),
    base64: (count) => from(`${letters}+/`, count),
  };
}
