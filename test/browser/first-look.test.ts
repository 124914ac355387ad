import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Editor, openEditor } from './support/editor.ts';
import { temporaryFolder } from './support/package.ts';

describe('first look', function () {
  this.timeout(120_000);
  let editor: Editor;

  before(async () => {
    const folder = join(await temporaryFolder('first-look'), 'my-project');
    await mkdir(folder);
    await writeFile(join(folder, 'phase_1.ipynb'), '{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}');
    editor = await openEditor({ folder, env: { RUNPOD_TRAINER_HOME: join(folder, '..', 'home') } });
  });
  after(() => editor.close());

  it('shows welcome texts with a way on in every empty view (R9.2)', async () => {
    const { workbench } = editor;
    await workbench.openContainer('RunPod');
    assert.match(await workbench.welcome('Jobs'), /No job has run yet/);
    assert.match(await workbench.welcome('Pods'), /Sign in to see your pods/);
    assert.match(await workbench.welcome('Volumes'), /Sign in to see your network volumes/);
    await workbench.screenshot('first-look');
  });

  it('opens the walkthrough (R9.2)', async () => {
    const { workbench } = editor;
    await workbench.runCommand('RunPod: Get Started');
    await workbench.page.locator('.gettingStartedDetailsContent').waitFor();
    await workbench.screenshot('walkthrough');
  });

  it('writes a project file from what lies in the folder and opens it (R9.5)', async () => {
    const { workbench } = editor;
    await workbench.runCommand('RunPod: Create Project File…');
    await workbench.page.locator('.tab[data-resource-name="training.runpod.json"]').waitFor();
    await workbench.page.locator('.codelens-decoration', { hasText: 'Run from here' }).first().waitFor();
    await workbench.screenshot('project-file');
  });
});
