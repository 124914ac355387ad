/** `$2.69/h`, `$0.035/h`; says so when the price is not known, since that is not the same as free. */
export function pricePerHour(price: number | null | undefined): string {
  if (price === null || price === undefined) {
    return 'price unknown';
  }
  const cents = Math.abs(price * 100 - Math.round(price * 100)) < 1e-6;
  return `$${price.toFixed(cents ? 2 : 3)}/h`;
}

/** Money spent: `$1.27`, `<$0.01`. */
export function spent(amount: number): string {
  return amount > 0 && amount < 0.01 ? '<$0.01' : `$${amount.toFixed(2)}`;
}

/** `<1 s`, `45 s`, `4 min`, `2 h 10 min`, `3 d 4 h`. */
export function duration(seconds: number): string {
  if (seconds < 1) {
    return '<1 s';
  }
  const s = Math.round(seconds);
  if (s < 60) {
    return `${s} s`;
  }
  const minutes = Math.floor(s / 60);
  if (minutes < 60) {
    return `${minutes} min`;
  }
  const hours = Math.floor(minutes / 60);
  if (hours < 24) {
    return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  }
  return hours % 24 === 0 ? `${Math.floor(hours / 24)} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `999 B`, `1.5 KB`, `120 MB`; a KB is 1000 bytes. */
export function byteText(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  // What would be rounded to 1000 is told in the next unit.
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? 'B'}`;
}

/** Local wall-clock time, `09:12`. */
export function clock(time: Date): string {
  return `${String(time.getHours()).padStart(2, '0')}:${String(time.getMinutes()).padStart(2, '0')}`;
}
