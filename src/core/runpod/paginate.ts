import type { ApiHttp, ApiRequest } from './http.ts';
import { queryString } from './requests.ts';

/** A page of a list, as the schemas read it. */
export interface Page<T> {
  items: T[];
  pagination: { nextCursor: string | null; hasNextPage: boolean };
}

const maxPages = 1000;

/**
 * Reads every page of a list. Follows `hasNextPage`, because a page may hold fewer items than were asked for.
 * An item that moves between pages while they are read is returned once.
 * @throws ApiError `schema` when the cursor does not advance.
 */
export async function allPages<T extends { id: string }>(
  http: ApiHttp,
  request: ApiRequest,
  read: (request: ApiRequest) => Promise<Page<T>>,
): Promise<T[]> {
  const items = new Map<string, T>();
  const cursors = new Set<string>();
  for (let cursor: string | undefined; cursors.size < maxPages;) {
    const page = await read({ ...request, query: queryString({ cursor }) });
    for (const item of page.items) {
      items.set(item.id, item);
    }
    const { hasNextPage, nextCursor } = page.pagination;
    if (!hasNextPage) {
      return [...items.values()];
    }
    if (nextCursor === null || nextCursor === '' || cursors.has(nextCursor)) {
      break;
    }
    cursors.add(nextCursor);
    cursor = nextCursor;
  }
  throw http.failureOf(request, { kind: 'schema', detail: 'The pages of the list do not come to an end.' });
}
