/** `14:20`, with the day when it is not today's. */
export function clock(ms: number, now = Date.now()): string {
  const time = new Date(ms);
  const text = time.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hour12: false });
  const today = time.toDateString() === new Date(now).toDateString();
  return today ? text : `${time.toLocaleDateString([], { day: 'numeric', month: 'short' })} ${text}`;
}

/** A number of a chart: at most four digits that mean something. */
export function figure(n: number | null): string {
  if (n === null) {
    return 'not a number';
  }
  const size = Math.abs(n);
  if (n !== 0 && (size >= 1e6 || size < 1e-3)) {
    return n.toExponential(2).replace('e+', 'e');
  }
  return n.toLocaleString('en', Number.isInteger(n) ? {} : { maximumSignificantDigits: 4 });
}
