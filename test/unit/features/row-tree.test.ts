import assert from 'node:assert/strict';
import { RowTree, type TreeNode } from '../../../src/features/common/row-tree.ts';

function row(id: string, description = '', children?: TreeNode['children']): TreeNode {
  const item: unknown = { id, label: id, description };
  return { item: item as TreeNode['item'], ...(children !== undefined && { children }) };
}

/** A view as VS Code has it, with what it was told to refresh. */
function view(): { tree: RowTree; refreshed: () => (string | undefined)[] } {
  const told: (TreeNode | undefined)[] = [];
  const tree = new RowTree((changed) => told.push(changed));
  return { tree, refreshed: () => told.splice(0).map((changed) => changed?.item.id) };
}

describe('rows of a view that is refreshed (R9.2)', () => {
  const group = (...jobs: TreeNode[]): TreeNode => row('group', '', () => jobs);

  it('stay the same objects, so that a menu that is open keeps its row', async () => {
    const { tree, refreshed } = view();
    tree.update([group(row('a', '1 min'), row('b', '5 min'))]);
    assert.deepEqual(refreshed(), [undefined]);
    const [top] = await tree.children(undefined);
    const [a, b] = await tree.children(top);
    tree.update([group(row('a', '2 min'), row('b', '5 min'))]);
    assert.deepEqual(refreshed(), ['a'], 'only what differs');
    assert.equal(a?.item.description, '2 min');
    assert.deepEqual(await tree.children(top), [a, b]);
    assert.equal((await tree.children(top))[0], a);
    tree.update([group(row('a', '2 min'), row('b', '5 min'))]);
    assert.deepEqual(refreshed(), []);
  });

  it('are refreshed as a whole only when one comes, goes or moves', async () => {
    const { tree, refreshed } = view();
    const two = (running: TreeNode[], recent: TreeNode[]): TreeNode[] => [
      row('running', '', () => running),
      row('recent', '', () => recent),
    ];
    tree.update(two([row('a'), row('b')], [row('c')]));
    for (const top of await tree.children(undefined)) {
      await tree.children(top);
    }
    refreshed();
    const [a] = await tree.children((await tree.children(undefined))[0]);
    tree.update(two([row('a')], [row('b'), row('c')]));
    assert.deepEqual(refreshed(), [undefined]);
    assert.equal((await tree.children((await tree.children(undefined))[0]))[0], a);
    tree.update([row('running', '', () => [row('a')])]);
    assert.deepEqual(refreshed(), [undefined]);
  });

  it('below one that answers later are compared when they are known, and one that is closed is not asked', async () => {
    const { tree, refreshed } = view();
    let files = [row('one')];
    let asked = 0;
    const nodes = (): TreeNode[] => [
      row('volume', '', () => {
        asked += 1;
        return Promise.resolve(files);
      }),
    ];
    tree.update(nodes());
    const [volume] = await tree.children(undefined);
    assert.ok(volume);
    const [one] = await tree.children(volume);
    refreshed();
    tree.update(nodes());
    await Promise.resolve();
    assert.deepEqual([refreshed(), asked], [[], 2]);
    files = [row('one'), row('two')];
    tree.update(nodes());
    await Promise.resolve();
    assert.deepEqual(refreshed(), ['volume']);
    assert.equal((await tree.children(volume))[0], one);
    tree.setOpen(volume, false);
    tree.update(nodes());
    assert.equal(asked, 4);
    tree.setOpen(volume, true);
    assert.equal(asked, 5);
  });

  it('become what they are now, also when a file gives way to a folder', async () => {
    const { tree, refreshed } = view();
    tree.update([row('x', '3 B')]);
    refreshed();
    const [x] = await tree.children(undefined);
    tree.update([row('x', 'folder', () => [row('x/y')])]);
    assert.deepEqual(refreshed(), ['x']);
    assert.equal((await tree.children(x))[0]?.item.id, 'x/y');
    tree.update([row('x', '3 B')]);
    assert.deepEqual(await tree.children(x), []);
  });
});
