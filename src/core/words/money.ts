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
 * A price, which is exact to a tenth of a cent: `$2.69/h`, `$0.035/h`. Says so when it is not known, since that is not
 * the same as free.
 */
export function pricePerHour(price: number | null | undefined): string {
  return price === null || price === undefined ? 'price unknown' : `$${price.toFixed(3).replace(/0$/, '')}/h`;
}

/** `$1.40 a month`. */
export function pricePerMonth(price: number | null): string {
  return price === null ? 'price unknown' : `$${price.toFixed(2)} a month`;
}
