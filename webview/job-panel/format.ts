/** `8 s`, `12 min 03 s`, `2 h 05 min`, `3 d 4 h`: for a time that ticks. */
export function elapsed(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const two = (n: number): string => String(n).padStart(2, '0');
  if (s < 60) {
    return `${s} s`;
  }
  if (s < 3600) {
    return `${Math.floor(s / 60)} min ${two(s % 60)} s`;
  }
  const hours = Math.floor(s / 3600);
  return hours < 24
    ? `${hours} h ${two(Math.floor((s % 3600) / 60))} min`
    : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Time that a step took: `<1 s`, `8.3 s`, then as `elapsed`. */
export function took(seconds: number): string {
  return seconds < 1 ? '<1 s' : seconds < 10 ? `${seconds.toFixed(1)} s` : elapsed(seconds);
}

export function money(amount: number): string {
  return amount > 0 && amount < 0.01 ? '<$0.01' : `$${amount.toFixed(2)}`;
}

/** `14:20`, with the day when it is not today's. */
export function clock(ms: number, now = Date.now()): string {
  const time = new Date(ms);
  const text = time.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hour12: false });
  const today = time.toDateString() === new Date(now).toDateString();
  return today ? text : `${time.toLocaleDateString([], { day: 'numeric', month: 'short' })} ${text}`;
}

/** USD that a pod has cost by the clock. */
export function costSoFar(
  pod: { costPerHour: number; since: number; until?: number | undefined },
  now: number,
): number {
  return (Math.max(0, (pod.until ?? now) - pod.since) / 3_600_000) * pod.costPerHour;
}

export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = n < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(n) / 3));
  const value = n / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toPrecision(3)} ${units[power] ?? ''}`;
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
