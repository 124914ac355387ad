import { Problem } from '../problem.ts';

function refused(text: string): Problem {
  return new Problem(422, 'Request validation failed.', { errors: [text] });
}

/** One page of a list, newest first; a later item has a higher `order`. A cursor of another list is refused. */
export function pageOf<T>(
  kind: string,
  items: readonly { item: T; order: number }[],
  query: URLSearchParams,
): { items: T[]; pagination: { nextCursor: string | null; hasNextPage: boolean } } {
  const limit = query.get('limit') ?? '1000';
  if (!/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > 1000) {
    throw refused('$.query.limit: want an integer from 1 to 1000');
  }
  const before = cursorOf(kind, query.get('cursor'));
  const rest = items.filter(({ order }) => order < before).sort((a, b) => b.order - a.order);
  const page = rest.slice(0, Number(limit));
  const hasNextPage = rest.length > page.length;
  const last = String(page.at(-1)?.order ?? 0);
  return {
    items: page.map(({ item }) => item),
    pagination: {
      nextCursor: hasNextPage ? Buffer.from(`${kind}:${last}`).toString('base64url') : null,
      hasNextPage,
    },
  };
}

function cursorOf(kind: string, text: string | null): number {
  if (text === null) return Infinity;
  const [from, order] = Buffer.from(text, 'base64url').toString().split(':');
  if (from !== kind || order === undefined || !/^\d+$/.test(order)) throw refused('$.query.cursor: invalid cursor');
  return Number(order);
}
