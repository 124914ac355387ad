import { findNodeAtLocation, getLocation, parseTree } from 'jsonc-parser';
import { schemasAt, type SchemaNode } from '../../core/project/schema-json.ts';
import { imageOffers } from './offers.ts';
import { dataCenterOf, typeOfGate, type Sources } from './proposals.ts';

export interface HoverText {
  offset: number;
  length: number;
  /** Markdown, the parts apart. */
  parts: string[];
}

/** What is to be said of the field or the value under the mouse; undefined for nothing. */
export async function hoverAt(text: string, offset: number, sources: Sources): Promise<HoverText | undefined> {
  const tree = parseTree(text, [], { allowTrailingComma: true });
  const { path, previousNode: node, isAtPropertyKey } = getLocation(text, offset);
  if (tree === undefined || node === undefined || offset > node.offset + node.length || offset < node.offset) {
    return undefined;
  }
  const here = { offset: node.offset, length: node.length };
  if (!isAtPropertyKey) {
    const value: unknown = findNodeAtLocation(tree, path)?.value;
    const [first, second, third] = path[0] === 'profiles' ? path.slice(2) : path;
    const offers =
      first !== 'target'
        ? []
        : second === 'gpus' && typeof third === 'number'
          ? await sources.gpus(dataCenterOf(tree))
          : third === 'dataCenter'
            ? await sources.dataCenters()
            : second === 'image'
              ? imageOffers
              : [];
    const offer = offers.find((one) => one.value === value);
    if (offer !== undefined) {
      return { ...here, parts: [offer.text] };
    }
  }
  const nodes = schemasAt(path, (at) => typeOfGate(tree, at));
  const parts = [...new Set(nodes.flatMap(fieldText))];
  return parts.length === 0 ? undefined : { ...here, parts };
}

function fieldText(node: SchemaNode): string[] {
  const values =
    node.enum === undefined ? [] : [`One of: ${node.enum.map((v) => `\`${JSON.stringify(v)}\``).join(', ')}`];
  const isPlain = node.default !== undefined && typeof node.default !== 'object';
  const unless = isPlain ? [`Unless told: \`${JSON.stringify(node.default)}\``] : [];
  return [...(node.description === undefined ? [] : [node.description]), ...values, ...unless];
}
