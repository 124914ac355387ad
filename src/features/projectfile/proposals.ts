import { findNodeAtLocation, getLocation, parseTree, type Node } from 'jsonc-parser';
import { fieldsAt, schemasAt, type SchemaNode } from '../../core/project/schema-json.ts';
import { imageOffers, type Offer } from './offers.ts';
import { checkpointsTemplate, gateTemplates, stepTemplates, type Template } from './snippets.ts';

type Path = (string | number)[];

/** What may be written at a place of the project file. */
export interface Proposal {
  kind: 'field' | 'value' | 'template' | 'file' | 'folder';
  label: string;
  /** A few words beside the label. */
  detail: string;
  /** Markdown. */
  text: string;
  /** A snippet of the editor that takes the place of the range. */
  insert: string;
  /** What the typed text is compared with. */
  filter: string;
  range: { offset: number; length: number };
  /** Something may be chosen in what is inserted. */
  goesOn: boolean;
}

/** What is known beside the text; asked for only where it is of use. */
export interface Sources {
  gpus: (dataCenter: string | undefined) => Promise<readonly Offer[]>;
  dataCenters: () => Promise<readonly Offer[]>;
  /** Paths of the project's folder; folders end with `/`. */
  files: () => Promise<readonly string[]>;
}

/** The best first. */
export async function proposalsAt(text: string, offset: number, sources: Sources): Promise<Proposal[]> {
  const place = placeAt(text, offset);
  return place === undefined ? [] : place.isKey ? fieldProposals(place) : valueProposals(place, sources);
}

interface Place {
  text: string;
  tree: Node;
  path: Path;
  isKey: boolean;
  /** What is replaced. */
  range: { offset: number; length: number };
  /** Whether a value follows the key already. */
  hasValue: boolean;
}

function placeAt(text: string, offset: number): Place | undefined {
  const tree = parseTree(text, [], { allowTrailingComma: true });
  const { path, isAtPropertyKey, previousNode } = getLocation(text, offset);
  if (tree === undefined || isInComment(text, offset)) {
    return undefined;
  }
  const range = rangeAt(text, offset, previousNode);
  const rest = text.slice(range.offset + range.length).replace(/^(\s|\/\/[^\n]*\n|\/\*[^]*?\*\/)+/, '');
  return { text, tree, path, isKey: isAtPropertyKey, range, hasValue: rest.startsWith(':') };
}

function rangeAt(text: string, offset: number, node: Node | undefined): Place['range'] {
  if (node !== undefined && node.offset <= offset && offset <= node.offset + node.length) {
    const written = text.slice(node.offset, node.offset + node.length);
    const isOpen = written.startsWith('"') && (written.length < 2 || !written.endsWith('"'));
    return { offset: node.offset, length: isOpen ? offset - node.offset : node.length };
  }
  const word = /[\w."-]*$/.exec(text.slice(0, offset))?.[0] ?? '';
  return { offset: offset - word.length, length: word.length };
}

/** Comments end with their line or with their sign; a text in quotes has none. */
function isInComment(text: string, offset: number): boolean {
  const before = text.slice(0, offset).replace(/"(?:[^"\\\n]|\\.)*"/g, '""');
  const block = before.lastIndexOf('/*');
  const line = before.slice(before.lastIndexOf('\n') + 1);
  return line.includes('//') || (block !== -1 && before.indexOf('*/', block) === -1);
}

/** Fields that most steps and gates do without. */
const seldom = new Set(['timeoutMinutes', 'allowStale']);

function fieldProposals({ text, tree, path, range, hasValue }: Place): Proposal[] {
  const parent = path.slice(0, -1);
  const object = parent.length === 0 ? tree : findNodeAtLocation(tree, parent);
  const taken = new Set(
    (object?.children ?? []).flatMap(({ children: [key] = [] }) =>
      key === undefined || key.offset === range.offset ? [] : [String(key.value)],
    ),
  );
  const fields = [...fieldsAt(parent, (at) => typeOfGate(tree, at))].filter(([name]) => !taken.has(name));
  const needed = new Set(schemasAt(parent).flatMap(({ required = [] }) => required));
  const rank = ([name]: [string, SchemaNode]): number =>
    name === 'type' ? 0 : needed.has(name) ? 1 : seldom.has(name) ? 3 : 2;
  const comma = commaAfter(text, range);
  return fields
    .toSorted((a, b) => rank(a) - rank(b))
    .map(([name, node]) => {
      const key = JSON.stringify(name);
      const value = name === 'checkpoints' ? checkpointsTemplate.body : valueSnippet(node);
      return {
        kind: 'field',
        label: name,
        detail: '',
        text: node.description ?? '',
        insert: hasValue ? escaped(key) : `${escaped(key)}: ${value}${comma}`,
        filter: key,
        range,
        goesOn: !hasValue,
      };
    });
}

/** A value to begin with. */
function valueSnippet(node: SchemaNode): string {
  const [first = node] = node.anyOf ?? node.oneOf ?? [node];
  if (first.const !== undefined) {
    return escaped(JSON.stringify(first.const));
  }
  switch (first.type) {
    case 'string':
      return '"$1"';
    case 'array':
      return first.items?.type === 'string' ? '["$1"]' : '[$1]';
    case 'object':
      return '{ $1 }';
    default:
      return '$1';
  }
}

async function valueProposals(place: Place, sources: Sources): Promise<Proposal[]> {
  const { text, tree, path, range } = place;
  const comma = commaAfter(text, range);
  const [first, second, third] = withoutProfile(path);
  const listOf = (): Set<unknown> =>
    new Set((findNodeAtLocation(tree, path.slice(0, -1))?.children ?? []).map(({ value }) => value as unknown));
  const value = (offer: Offer): Proposal => ({
    kind: 'value',
    label: offer.value,
    detail: offer.detail,
    text: offer.text,
    insert: `${escaped(JSON.stringify(offer.value))}${comma}`,
    filter: JSON.stringify(offer.value),
    range,
    goesOn: false,
  });
  const template = ({ label, detail, body }: Template): Proposal => ({
    ...{
      kind: 'template',
      label,
      detail,
      text: `\`\`\`json\n${body.replace(/\$\{\d+[:|]([^}|]*)\|?\}|\$\d/g, '$1')}\n\`\`\``,
    },
    ...{ insert: `${body}${comma}`, filter: label, range, goesOn: false },
  });
  const isFree = text.charAt(range.offset) !== '"';
  if (first === 'steps' && typeof second === 'number') {
    if (third === undefined && isFree) {
      return stepTemplates.map(template);
    }
    if (third === 'gates' && path.length <= 4 && isFree) {
      return gateTemplates.map((one) => template(path.length === 3 ? { ...one, body: `[${one.body}]` } : one));
    }
    if (third === 'checkpoints' && path.length === 3 && isFree) {
      return [template(checkpointsTemplate)];
    }
  }
  const key = path.filter((part) => typeof part === 'string').at(-1) ?? '';
  if (first === 'target') {
    if (second === 'gpus' && typeof third === 'number') {
      const others = listOf();
      const own = findNodeAtLocation(tree, path)?.value as unknown;
      const all = await sources.gpus(dataCenterOf(tree));
      return all.filter((offer) => offer.value === own || !others.has(offer.value)).map(value);
    }
    if (key === 'dataCenter') {
      return (await sources.dataCenters()).map(value);
    }
    if (key === 'image') {
      return imageOffers.map(value);
    }
  }
  const paths = await pathOffers(place, sources);
  if (paths !== undefined) {
    return paths.map((offer) => ({
      ...value(offer),
      kind: offer.value.endsWith('/') ? ('folder' as const) : ('file' as const),
    }));
  }
  return plainValues(place).map((one) => ({
    ...value({ value: String(one), detail: '', text: '' }),
    ...(typeof one === 'string' ? {} : { insert: `${String(one)}${comma}`, filter: String(one) }),
  }));
}

/** Files of the folder, where a path is asked for; of a gate and an input first what steps write. */
async function pathOffers({ tree, path }: Place, sources: Sources): Promise<Offer[] | undefined> {
  const [first, second, third] = withoutProfile(path);
  const plain = (files: readonly string[]): Offer[] => files.map((file) => ({ value: file, detail: '', text: '' }));
  const only = async (ending: RegExp): Promise<Offer[]> => plain((await sources.files()).filter((f) => ending.test(f)));
  const key = path.filter((part) => typeof part === 'string').at(-1) ?? '';
  if (first === 'target' && second === 'requirements') {
    const texts = await only(/\.txt$/);
    const isOne = ({ value }: Offer): boolean => /requirements[^/]*\.txt$/.test(value);
    return [...texts.filter(isOne), ...texts.filter((offer) => !isOne(offer))];
  }
  if (first === 'steps' && typeof second === 'number') {
    switch (key) {
      case 'script':
        return only(/\.py$/);
      case 'notebook':
        return only(/\.ipynb$/);
      case 'module':
        return (await only(/\.py$/)).map(({ value }) => ({
          value: value.replace(/(\/__main__)?\.py$/, '').replaceAll('/', '.'),
          detail: value,
          text: '',
        }));
      case 'path':
        return third === 'gates' ? [...written(tree, second, true), ...plain(await sources.files())] : undefined;
      case 'inputs':
        return [...written(tree, second, false), ...plain(await sources.files())];
      case 'outputs':
      case 'code':
        return plain(await sources.files());
      case 'complete':
        return plain(['trainer_state.json']);
      case 'pattern':
        return plain(['output/checkpoint-*']);
      default:
        return undefined;
    }
  }
  if (first === 'sync') {
    return plain(await sources.files());
  }
  return first === 'onFinish' && second === 'fetch' ? [...written(tree, Infinity, true)] : undefined;
}

/** What the steps up to one say they write, the nearest first, each with the name of its step. */
function written(tree: Node, upTo: number, withOwn: boolean): Offer[] {
  const steps = findNodeAtLocation(tree, ['steps'])?.children ?? [];
  const all = steps.slice(0, withOwn ? upTo + 1 : upTo).flatMap((step) => {
    const name: unknown = findNodeAtLocation(step, ['name'])?.value;
    return (findNodeAtLocation(step, ['outputs'])?.children ?? []).flatMap(({ value }) =>
      typeof value === 'string' ? [{ value, detail: `written by step "${String(name)}"`, text: '' }] : [],
    );
  });
  return all.toReversed();
}

function plainValues({ tree, path }: Place): unknown[] {
  const nodes = schemasAt(path, (at) => typeOfGate(tree, at));
  const values = nodes.flatMap((node): readonly unknown[] =>
    node.const !== undefined
      ? [node.const]
      : (node.enum ?? (node.type === 'boolean' ? [true, false] : node.default === undefined ? [] : [node.default])),
  );
  return [...new Set(values)].filter((one) => typeof one !== 'object');
}

/** The same place without a profile around it. */
function withoutProfile(path: Path): Path {
  return path[0] === 'profiles' ? path.slice(2) : path;
}

/** The data center that the file names. */
export function dataCenterOf(tree: Node): string | undefined {
  const value: unknown = findNodeAtLocation(tree, ['target', 'volume', 'dataCenter'])?.value;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The type that a gate has, whether there is such a type or not. */
export function typeOfGate(tree: Node, path: Path): string | undefined {
  const value: unknown = findNodeAtLocation(tree, [...path, 'type'])?.value;
  const known = schemasAt(path).some((node) => node.properties?.['type']?.const === value);
  return typeof value === 'string' && known ? value : undefined;
}

/** A comma where another field or value follows. */
function commaAfter(text: string, { offset, length }: Place['range']): string {
  const rest = text.slice(offset + length).replace(/^(\s|\/\/[^\n]*\n|\/\*[^]*?\*\/)+/, '');
  return /^["{[\w-]/.test(rest) ? ',' : '';
}

/** A text that is no snippet of the editor. */
function escaped(text: string): string {
  return text.replace(/[\\$}]/g, (sign) => `\\${sign}`);
}
