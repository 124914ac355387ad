/** Bytes from `start` up to, not including, `end`. */
export type Range = readonly [start: number, end: number];

/** Sorted, joined where they touch, and cut at `size`. */
export function merged(ranges: readonly Range[], size: number): Range[] {
  const result: [number, number][] = [];
  for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const cut = Math.min(end, size);
    const last = result.at(-1);
    if (start >= cut) {
      continue;
    }
    if (last !== undefined && start <= last[1]) {
      last[1] = Math.max(last[1], cut);
    } else {
      result.push([start, cut]);
    }
  }
  return result;
}

/** What `have` leaves of a file of `size` bytes, in pieces of at most `step` bytes. */
export function missing(size: number, have: readonly Range[], step: number): Range[] {
  const result: Range[] = [];
  let position = 0;
  for (const [start, end] of [...merged(have, size), [size, size] as const]) {
    for (; position < start; position = Math.min(position + step, start)) {
      result.push([position, Math.min(position + step, start)]);
    }
    position = end;
  }
  return result;
}

export function lengthOf(ranges: readonly Range[]): number {
  return ranges.reduce((sum, [start, end]) => sum + end - start, 0);
}

/** One line of a journal of finished ranges. */
export function journalLine([start, end]: Range): string {
  return `${start} ${end}\n`;
}

/** The ranges of a journal; a torn last line and what makes no sense are left out. */
export function readJournal(text: string): Range[] {
  return text
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => {
      const found = /^(\d{1,15}) (\d{1,15})$/.exec(line);
      return found === null ? [] : [[Number(found[1]), Number(found[2])] as const];
    });
}
