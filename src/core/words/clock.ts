/** Local wall-clock time, `09:12`. */
export function clock(time: Date): string {
  return `${String(time.getHours()).padStart(2, '0')}:${String(time.getMinutes()).padStart(2, '0')}`;
}

/** When a pod that somebody left ends, as the rest of a sentence; `ends` is undefined where nothing on it does that. */
export function endsByText(ends: Date | undefined): string {
  return ends === undefined ? 'nothing on it ends it' : `it ends itself by ${clock(ends)} at the latest`;
}
