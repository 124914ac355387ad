type Rgb = readonly [red: number, green: number, blue: number];

/** The least contrast of text that people can read (WCAG AA), which VS Code's own terminal keeps as well. */
const enough = 4.5;

/** `#rgb`, `#rrggbb`, `#rrggbbaa`, `rgb(…)`; undefined for anything else. Transparency is left out. */
export function parseColor(text: string): Rgb | undefined {
  const hex = /^#([0-9a-f]{3,8})$/i.exec(text.trim())?.[1];
  if (hex !== undefined) {
    const wide = hex.length < 6 ? hex.replaceAll(/./g, '$&$&') : hex;
    const part = (at: number): number => Number.parseInt(wide.slice(at, at + 2), 16);
    return [part(0), part(2), part(4)];
  }
  const parts = /^rgba?\(([^)]*)\)$/i
    .exec(text.trim())?.[1]
    ?.split(/[\s,/]+/)
    .map(Number);
  const [r = NaN, g = NaN, b = NaN] = parts ?? [];
  return [r, g, b].every(Number.isFinite) ? [r, g, b] : undefined;
}

/** Contrast of two colors as WCAG counts it, 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** The color, moved toward the text's own color only as far as is needed to be read on the background. */
export function readable(color: Rgb, background: Rgb, text: Rgb): string {
  for (let share = 0; share <= 1; share += 0.1) {
    const mixed = color.map((c, i) => Math.round(c + ((text[i] ?? c) - c) * share)) as unknown as Rgb;
    if (contrast(mixed, background) >= enough) {
      return css(mixed);
    }
  }
  return css(text);
}

function css(color: Rgb): string {
  return `rgb(${color.join(', ')})`;
}

function luminance(color: Rgb): number {
  const [r, g, b] = color.map((c) => {
    const s = c / 255;
    return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
