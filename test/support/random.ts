/** Numbers that look random and are the same for the same seed, for tests that must be repeatable. */
export interface Random {
  /** A whole number from 0 to `count` - 1. */
  of: (count: number) => number;
  pick: <T>(items: readonly T[]) => T;
  bytes: (count: number) => Buffer;
}

export function seeded(seed: number): Random {
  let state = (seed * 2654435761) >>> 0 || 1;
  const next = (): number => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
  for (let i = 0; i < 10; i += 1) {
    next();
  }
  const of = (count: number): number => Math.floor(next() * count);
  return {
    of,
    pick: (items) => items[of(items.length)]!,
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => of(256))),
  };
}
