import type { Frame } from 'playwright-core';
import type { Workbench } from './workbench.ts';

/** The launch sheet that is visible, when all of it is known. */
export async function launchSheet(workbench: Workbench): Promise<Frame> {
  const frame = await workbench.frame('.sheet .part-checks .sum');
  await workbench.until(
    'the launch sheet to be complete',
    async () => (await frame.locator('.sheet [aria-busy=true]').count()) === 0,
  );
  return frame;
}

/** What the sheet says. */
export async function launchText(workbench: Workbench): Promise<string> {
  return (await launchSheet(workbench)).locator('.sheet').innerText();
}

/** Presses the sheet's button that starts the run. */
export async function startRun(workbench: Workbench): Promise<void> {
  const frame = await launchSheet(workbench);
  await frame.locator('.start:not([disabled])').click();
  await gone(workbench, frame);
}

/** The same by Tab and Enter. */
export async function startRunByKeyboard(workbench: Workbench): Promise<void> {
  const frame = await launchSheet(workbench);
  await frame.locator('.start:not([disabled])').waitFor();
  const focused = frame.locator('.start:focus');
  await workbench.until('the focus on the button that starts', async () => {
    await workbench.page.keyboard.press('Tab');
    return (await focused.count()) > 0;
  });
  await workbench.page.keyboard.press('Enter');
  await gone(workbench, frame);
}

export async function cancelLaunch(workbench: Workbench): Promise<void> {
  const frame = await launchSheet(workbench);
  await frame.locator('vscode-button', { hasText: 'Cancel' }).click();
  await gone(workbench, frame);
}

async function gone(workbench: Workbench, frame: Frame): Promise<void> {
  await workbench.until('the launch sheet to be gone', () => Promise.resolve(frame.isDetached()));
}
