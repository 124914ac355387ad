export type LogSource = 'container' | 'system';

export interface LogEntry {
  seq: number;
  ts: string;
  source: LogSource;
  line: string;
}

export interface LogQuery {
  source: LogSource | undefined;
  /** 0 to 5000 last entries; 0 = live only. */
  tail: number;
  /** RFC 3339; overrides tail. */
  since: string | undefined;
  /** Id of the last event a client has seen; overrides both. */
  lastEventId: string | undefined;
}

const kept = 5000;

/** One pod's log: the last 5000 lines, and whoever follows them. */
export class PodLog {
  readonly #entries: LogEntry[] = [];
  readonly #followers = new Set<(entry: LogEntry) => void>();
  #seq = 0;

  add(source: LogSource, line: string): void {
    this.#seq += 1;
    const entry = { seq: this.#seq, ts: new Date().toISOString(), source, line };
    this.#entries.push(entry);
    if (this.#entries.length > kept) this.#entries.shift();
    for (const follower of this.#followers) follower(entry);
  }

  /** Entries that a query asks for; entries to come are then given to a follower. */
  select(query: LogQuery): LogEntry[] {
    const ofSource = this.#entries.filter((entry) => query.source === undefined || entry.source === query.source);
    const after = /\/(\d+)$/.exec(query.lastEventId ?? '')?.[1];
    if (after !== undefined) return ofSource.filter((entry) => entry.seq > Number(after));
    if (query.since !== undefined) {
      const since = Date.parse(query.since);
      return ofSource.filter((entry) => Date.parse(entry.ts) >= since);
    }
    return query.tail === 0 ? [] : ofSource.slice(-query.tail);
  }

  /** Calls back for every new entry; the returned function ends that. */
  follow(follower: (entry: LogEntry) => void): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }
}

/** The entry as a server-sent event; a client must not read the id. */
export function frame(entry: LogEntry): string {
  const { ts, source, line } = entry;
  return `id: ${ts}/${String(entry.seq).padStart(12, '0')}\ndata: ${JSON.stringify({ ts, source, line })}\n\n`;
}
