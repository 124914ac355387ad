/** A line that a pattern was found in. */
export interface Hit {
  at: number;
  line: string;
  match: RegExpExecArray;
}

/** The last line that fits any of the patterns. */
export function lastHit(lines: readonly string[], ...patterns: readonly RegExp[]): Hit | undefined {
  for (let at = lines.length - 1; at >= 0; at--) {
    const line = lines[at] ?? '';
    for (const pattern of patterns) {
      const match = pattern.exec(line);
      if (match !== null) {
        return { at, line, match };
      }
    }
  }
  return undefined;
}

/** A line short enough to show; the end of a long one holds least. */
export function shown(line: string, most = 400): string {
  const text = line.trim();
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** A name out of a log, short enough to stand in a sentence; of a path its end tells most. */
export function brief(name: string): string {
  return name.length <= 120 ? name : `…${name.slice(-119)}`;
}

/** The last line of the project's own code in a traceback, as evidence. */
export function ownCode(frames: readonly string[]): string[] {
  const own = /^ *(?:File (?!.*(?:site-packages|dist-packages|\/lib\/python|"<|<frozen))|Cell In)/;
  const code = frames.slice(frames.findLastIndex((text) => own.test(text)) + 1);
  const line = code.find((text) => /^-+> ?\d+ /.test(text)) ?? code[0];
  return line === undefined || code.length === frames.length ? [] : [`in: ${shown(line.replace(/^-+> ?\d+ /, ''))}`];
}

const gibibyte: Record<string, number> = {
  bytes: 2 ** -30,
  kib: 2 ** -20,
  mib: 2 ** -10,
  gib: 1,
  kb: 2 ** -20,
  mb: 2 ** -10,
  gb: 1,
};

/** Reads `2.26`, `GiB` as GiB. */
export function toGib(amount: string | undefined, unit: string | undefined): number | undefined {
  const factor = gibibyte[unit?.toLowerCase() ?? ''];
  const value = Number(amount);
  return factor === undefined || amount === undefined || !Number.isFinite(value) ? undefined : value * factor;
}

/** `5.50 GiB`, `96 MiB`. */
export function gibText(gib: number): string {
  return gib >= 1 ? `${gib.toFixed(gib >= 100 ? 0 : 1)} GiB` : `${Math.round(gib * 1024)} MiB`;
}
