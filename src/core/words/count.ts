/** `1 file`, `2 files`, `1,327 rows`. */
export function count(number: number, word: string): string {
  return `${number.toLocaleString('en')} ${word}${number === 1 ? '' : 's'}`;
}

/** `1 name is`, `3 names are`. */
export function countIs(number: number, word: string): string {
  return `${count(number, word)} ${number === 1 ? 'is' : 'are'}`;
}

/** The first of many names, quoted: `"a", "b" and 7 more`. */
export function firstNames(names: readonly string[], most = 5): string {
  const shown = names.slice(0, most).map((name) => JSON.stringify(name));
  const rest = names.length - shown.length;
  return `${shown.join(', ')}${rest > 0 ? ` and ${rest.toLocaleString('en')} more` : ''}`;
}
