/** Content of an element: text, elements by name, or several of the same name. */
export type Xml = string | number | boolean | undefined | { [name: string]: Xml } | Xml[];

/** A document with one root element. */
export function document(root: string, content: Xml): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element(root, content, ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"')}`;
}

/** An element and all below it; an array repeats the element, undefined leaves it out. */
export function element(name: string, content: Xml, attributes = ''): string {
  if (content === undefined) return '';
  if (Array.isArray(content)) return content.map((one) => element(name, one)).join('');
  const inner =
    typeof content === 'object'
      ? Object.entries(content)
          .map(([child, value]) => element(child, value))
          .join('')
      : escape(String(content));
  return `<${name}${attributes}>${inner}</${name}>`;
}

function escape(text: string): string {
  // File names may hold control characters, which XML names by number.
  return text.replace(/[&<>"'\u0000-\u001f]/g, (one) => `&#${String(one.charCodeAt(0))};`);
}

/** Text of the first element of that name, unescaped; undefined when there is none. */
export function textOf(xml: string, name: string): string | undefined {
  const found = new RegExp(`<${name}(?:\\s[^>]*)?>([^<]*)</${name}>`).exec(xml)?.[1];
  return found?.replace(/&(quot|apos|lt|gt|amp|#34|#39|#x22);/g, (_, entity: string) => entities[entity] ?? '').trim();
}

const entities: Record<string, string> = {
  quot: '"',
  apos: "'",
  lt: '<',
  gt: '>',
  amp: '&',
  '#34': '"',
  '#39': "'",
  '#x22': '"',
};
