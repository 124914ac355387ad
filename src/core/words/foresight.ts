/** What a step will do: `will run: code train.py changed`, or `is skipped: nothing changed since it passed`. */
export function foresightText({ runs, why }: { runs: boolean; why: string }): string {
  return `${runs ? 'will run' : 'is skipped'}: ${why}`;
}
