/**
 * Money: `$0.74`, `$12.00`, `$0.0031`: cents, and below ten of them two digits that mean something, of millionths at the
 * least. A bill of a cent and one of a hundredth are not the same, and neither is free.
 */
export function dollars(amount: number): string {
  const size = Math.abs(amount);
  const sign = amount < 0 ? '-' : '';
  if (size < 0.000_000_5) {
    return '$0.00';
  }
  const digits = size >= 0.095 ? 2 : Math.min(6, 1 - Math.floor(Math.log10(size)));
  // `$0.07`, not `$0.070`: cents are cents.
  return `${sign}$${size.toFixed(digits).replace(/(\.\d\d\d*?)0+$/, '$1')}`;
}

/**
 * What is to be paid, or was, as it is where it stands: the sandbox takes nothing, and shows what RunPod would:
 * `free here, $0.69/h on RunPod`. The only place where that is said.
 */
export function priced(amount: string, free: boolean): string {
  return !free ? amount : amount === unknown ? 'free here' : `free here, ${amount} on RunPod`;
}

/** USD; no machine that can be rented costs so much, so what says so is damaged. */
export const mostPerHour = 10_000;

/** A price that can be one; null for what no machine costs. */
export function soundPrice(price: number | null): number | null {
  return price !== null && price >= 0 && price <= mostPerHour ? price : null;
}

/** USD that a pod comes to in so many ms: the meter, wherever it is read. */
export function metered(ms: number, costPerHour: number): number {
  return (Math.max(0, ms) / 3_600_000) * costPerHour;
}

/**
 * What was spent. Where nobody saw an end it lies between two amounts: `at least $0.12, at most $0.90`, or `at most $0.90`
 * where nothing of it is certain.
 */
export function spentText(least: number, most = least): string {
  const isMore = dollars(most) !== dollars(least) && most > least;
  return !isMore
    ? dollars(least)
    : least < halfCent
      ? `at most ${dollars(most)}`
      : `at least ${dollars(least)}, at most ${dollars(most)}`;
}

/** Less is nothing beside what it may be. */
const halfCent = 0.005;

/** What something costs; a limit or a balance is plain {@link dollars}. */
export function cost(amount: number, free: boolean): string {
  return priced(dollars(amount), free);
}

const unknown = 'price unknown';

/** What follows an act that is to be paid: `for $0.03`, or `(free here, $0.03 on RunPod)`. */
export function forPrice(amount: string, free: boolean): string {
  return free ? `(${priced(amount, free)})` : `for ${amount}`;
}

/**
 * A price, which is exact to a tenth of a cent: `$2.69/h`, `$0.035/h`. Says so when it is not known, since that is not
 * the same as free.
 */
export function pricePerHour(price: number | null | undefined, free: boolean): string {
  return priced(price === null || price === undefined ? unknown : `$${price.toFixed(3).replace(/0$/, '')}/h`, free);
}

/** `$1.40 a month`. */
export function pricePerMonth(price: number | null, free: boolean): string {
  return priced(price === null ? unknown : `$${price.toFixed(2)} a month`, free);
}
