const units: readonly [word: string, seconds: number][] = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
];

/**
 * A time that was measured or is a limit: `<1 s`, `45 s`, `1 min 15 s`, `2 h 10 min`, `3 d 4 h`. Two units at most, and
 * the second is left out where it is 0.
 */
export function duration(seconds: number): string {
  if (!(seconds >= 1)) {
    return '<1 s';
  }
  const whole = Math.round(seconds);
  const at = units.findIndex(([, size]) => whole >= size);
  const [word, size] = units[at] ?? ['s', 1];
  const [nextWord, nextSize] = units[at + 1] ?? ['', Infinity];
  const rest = Math.floor((whole % size) / nextSize);
  return `${Math.floor(whole / size)} ${word}${rest === 0 ? '' : ` ${rest} ${nextWord}`}`;
}

/** A time that is expected: as {@link duration}, but from a minute on in whole minutes, and from a day on in hours. */
export function roughly(seconds: number): string {
  const grain = seconds < 59.5 ? 1 : seconds < 86_400 ? 60 : 3_600;
  return duration(Math.round(seconds / grain) * grain);
}

/** How long something lasts since then; nothing where the begin is not known. */
export function ageText(since: string | null, at: string): string {
  return since === null ? '' : duration(Math.max(0, Date.parse(at) - Date.parse(since)) / 1000);
}
