import { parseColor, readable } from './contrast.ts';

const names = ['Black', 'Red', 'Green', 'Yellow', 'Blue', 'Magenta', 'Cyan', 'White'];
const variables = ['', 'Bright'].flatMap((bright) => names.map((name) => `--vscode-terminal-ansi${bright}${name}`));

/** Sets `--ansi0` to `--ansi15`: the theme's terminal colors, made readable on the editor's background. */
function setColors(): void {
  const root = document.documentElement;
  const style = getComputedStyle(root);
  const color = (name: string): ReturnType<typeof parseColor> => parseColor(style.getPropertyValue(name));
  const background = color('--vscode-editor-background');
  const text = color('--vscode-editor-foreground') ?? color('--vscode-foreground');
  for (const [i, name] of variables.entries()) {
    const own = color(name);
    const known = background !== undefined && text !== undefined && own !== undefined;
    root.style.setProperty(`--ansi${i}`, known ? readable(own, background, text) : 'inherit');
  }
}

/** A color that a program chose itself, made readable in this theme. */
export function readableHere(color: string): string {
  const style = getComputedStyle(document.documentElement);
  const [own, background, text] = [
    color,
    style.getPropertyValue('--vscode-editor-background'),
    style.getPropertyValue('--vscode-editor-foreground'),
  ].map(parseColor);
  return own && background && text ? readable(own, background, text) : color;
}

/** Keeps colors that are computed right in every theme; `onChange` is for what must be painted anew. */
export function followTheme(onChange: () => void): void {
  setColors();
  let theme = document.body.className;
  new MutationObserver(() => {
    const now = `${document.body.className} ${document.body.dataset['vscodeThemeId'] ?? ''}`;
    if (now !== theme) {
      theme = now;
      setColors();
      onChange();
    }
  }).observe(document.body, { attributes: true, attributeFilter: ['class', 'data-vscode-theme-id'] });
}
