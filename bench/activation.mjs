// `node bench/activation.mjs [N]`: what the extension costs a window. Starts a real VS Code with the packaged
// extension, opens a folder with a project file N times (7 unless told), and reads from "Developer: Show Running
// Extensions" what the extension host itself measured: loading the code and the synchronous part of activation, which
// is what holds up other extensions. Prints the median and all values, and the size of the VSIX.
import { stat } from 'node:fs/promises';
import { openEditor } from '../test/browser/support/editor.ts';
import { makeFixture } from '../test/browser/support/fixture.ts';
import { packageExtension } from '../test/browser/support/package.ts';

const most = { milliseconds: 50, bytes: 2_000_000 };
const rounds = Number(process.argv[2] ?? 7);

async function activation(workbench) {
  await workbench.keyCommand('Developer: Show Running Extensions');
  const row = workbench.page.locator('.runtime-extensions-editor .monaco-list-row', { hasText: 'RunPod Trainer' });
  await row.first().waitFor();
  let text = '';
  await workbench.until('the time of activation', async () => {
    text = await row.first().innerText();
    return /ms/.test(text);
  });
  return Number(/([\d.,]+)\s*ms/.exec(text)?.[1]?.replace(',', ''));
}

const fixture = await makeFixture();
const editor = await openEditor(fixture);
const times = [];
try {
  for (let round = 0; round < rounds; round++) {
    const workbench = round === 0 ? editor.workbench : await editor.openWindow(fixture.folder);
    times.push(await activation(workbench));
    await workbench.page.close();
  }
} finally {
  await editor.close();
}
const median = times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];
const { size } = await stat(await packageExtension());
const verdict = (ok) => (ok ? 'within' : 'OVER');
console.log(
  `Activation: ${median} ms (median of ${times.length} windows: ${times.join(', ')}); ${verdict(median < most.milliseconds)} the budget of ${most.milliseconds} ms`,
);
console.log(`VSIX: ${(size / 1e6).toFixed(2)} MB; ${verdict(size < most.bytes)} the budget of ${most.bytes / 1e6} MB`);
process.exitCode = median < most.milliseconds && size < most.bytes ? 0 : 1;
