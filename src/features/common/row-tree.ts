import type * as vscode from 'vscode';

/** A row of a tree and what is below it. */
export interface TreeNode {
  item: vscode.TreeItem;
  /** The id that "Copy Id" copies. */
  id?: string;
  /** Of a step or a gate of the job with that id: the step, and which of its gates. */
  step?: string;
  gate?: number;
  children?: () => TreeNode[] | Promise<TreeNode[]>;
}

/**
 * The rows of a view, which stay the same objects as long as their ids do. VS Code forgets every row when a view is
 * refreshed as a whole and asks for them again afterwards; a command that somebody chooses in a row's menu meanwhile is
 * given no row. So only rows that differ are refreshed, and the whole only when rows come, go or move at its top.
 */
export class RowTree {
  readonly #refresh: (row: TreeNode | undefined) => void;
  #roots: TreeNode[] = [];
  /** What was below a row when the view asked for it. */
  readonly #below = new WeakMap<TreeNode, TreeNode[]>();
  /** Rows that say at once what is below them; the others may have to ask far away. */
  readonly #prompt = new WeakSet<TreeNode>();
  readonly #closed = new WeakSet<TreeNode>();

  /** @param refresh told which row is another one, with all below it; undefined is the whole view */
  constructor(refresh: (row: TreeNode | undefined) => void) {
    this.#refresh = refresh;
  }

  /** What the view shows below a row, or at its top. */
  children(row: TreeNode | undefined): TreeNode[] | Promise<TreeNode[]> {
    if (row === undefined) {
      return this.#roots;
    }
    const fresh = row.children?.() ?? [];
    if (!Array.isArray(fresh)) {
      return fresh.then((rows) => this.#keep(row, rows));
    }
    this.#prompt.add(row);
    return this.#keep(row, fresh);
  }

  /** The rows as they are now. */
  update(fresh: TreeNode[]): void {
    const roots = this.#roots;
    // A row may move from one place to the other, and VS Code refuses the same id twice.
    const same = sameRows(roots, fresh) && roots.every((row, i) => !this.#movesBelow(row, fresh[i]));
    if (same) {
      this.#compare(roots, fresh);
    } else {
      this.#roots = merged(roots, fresh);
      this.#refresh(undefined);
    }
  }

  /** Rows that nobody sees are not looked at. */
  setOpen(row: TreeNode, open: boolean): void {
    if (open && this.#closed.delete(row)) {
      this.#compareBelow(row);
    } else if (!open) {
      this.#closed.add(row);
    }
  }

  #movesBelow(row: TreeNode, fresh: TreeNode | undefined): boolean {
    const known = this.#below.get(row);
    const now = this.#prompt.has(row) ? fresh?.children?.() : undefined;
    return known !== undefined && Array.isArray(now) && !sameRows(known, now);
  }

  #keep(row: TreeNode, fresh: TreeNode[]): TreeNode[] {
    const rows = merged(this.#below.get(row) ?? [], fresh);
    this.#below.set(row, rows);
    return rows;
  }

  /** Both lists have the same rows in the same order. */
  #compare(known: TreeNode[], fresh: TreeNode[]): void {
    for (const [i, row] of known.entries()) {
      const now = fresh[i];
      if (now === undefined) {
        continue;
      }
      const differs = lookOf(row) !== lookOf(now);
      become(row, now);
      if (differs) {
        this.#refresh(row);
      } else {
        this.#compareBelow(row);
      }
    }
  }

  #compareBelow(row: TreeNode): void {
    if (!this.#below.has(row) || this.#closed.has(row)) {
      return;
    }
    const fresh = row.children?.() ?? [];
    const compare = (rows: TreeNode[]): void => {
      const known = this.#below.get(row) ?? [];
      if (sameRows(known, rows)) {
        this.#compare(known, rows);
      } else {
        this.#refresh(row);
      }
    };
    if (Array.isArray(fresh)) {
      compare(fresh);
    } else {
      // The view asks itself, and shows why it cannot be told.
      fresh.then(compare, () => this.#refresh(row));
    }
  }
}

function keyOf({ item }: TreeNode): string {
  return item.id ?? `label:${typeof item.label === 'string' ? item.label : (item.label?.label ?? '')}`;
}

function lookOf({ item }: TreeNode): string {
  return JSON.stringify(item);
}

function sameRows(a: readonly TreeNode[], b: readonly TreeNode[]): boolean {
  return a.length === b.length && a.every((row, i) => b[i] !== undefined && keyOf(row) === keyOf(b[i]));
}

/** The fresh rows, those that were known being the objects that they were. */
function merged(known: readonly TreeNode[], fresh: readonly TreeNode[]): TreeNode[] {
  const rows = new Map(known.map((row) => [keyOf(row), row]));
  return fresh.map((row) => {
    const old = rows.get(keyOf(row));
    // Two rows with one label are two objects.
    rows.delete(keyOf(row));
    return old === undefined ? row : become(old, row);
  });
}

function become(row: TreeNode, now: TreeNode): TreeNode {
  for (const key of Object.keys(row)) {
    if (!(key in now)) {
      Reflect.deleteProperty(row, key);
    }
  }
  return Object.assign(row, now);
}
