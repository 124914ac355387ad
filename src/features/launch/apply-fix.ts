import type * as vscode from 'vscode';
import { isAbsolute, relative, resolve } from 'node:path';
import * as z from 'zod';
import { UserError } from '../../core/errors.ts';
import type { Installation } from '../../core/home/installation.ts';
import type { Fix } from '../../core/guards/preflight/index.ts';
import type { LoadedProject } from '../../core/project/load.ts';
import { emptyFile } from '../projectfile/fixes.ts';
import { setProjectValue } from '../projectfile/edit.ts';
import { growVolume } from '../volumes/grow-volume.ts';

const path = z.array(z.union([z.string(), z.number()]));
const args = {
  'create-file': z.object({ file: z.string() }),
  'set-value': z.object({ path, value: z.json() }),
  'grow-volume': z.object({ volume: z.string(), size: z.number() }),
  'open-url': z.object({ url: z.url({ protocol: /^https$/ }) }),
};

/** Does what the button of a finding says. Answers once it is done or the user gave up. */
export async function applyFix(
  vs: typeof vscode,
  installation: Installation,
  file: vscode.Uri,
  loaded: LoadedProject,
  fix: Fix,
): Promise<void> {
  switch (fix.command) {
    case 'create-file':
      return createFile(vs, loaded.root, args['create-file'].parse(fix.args).file);
    case 'set-value': {
      const { path: at, value } = args['set-value'].parse(fix.args);
      return setProjectValue(vs, file, at, value);
    }
    case 'grow-volume': {
      const { volume: id, size } = args['grow-volume'].parse(fix.args);
      await growVolume(vs, installation.client, { id, size });
      return;
    }
    case 'open-url':
      await vs.env.openExternal(vs.Uri.parse(args['open-url'].parse(fix.args).url, true));
      return;
  }
}

async function createFile(vs: typeof vscode, root: string, name: string): Promise<void> {
  const target = resolve(root, name);
  const inside = relative(root, target);
  if (inside === '' || inside.startsWith('..') || isAbsolute(inside)) {
    throw new UserError('file-outside', {
      what: `${name} lies outside the project's folder.`,
      next: 'Correct the name in the project file.',
    });
  }
  const edit = new vs.WorkspaceEdit();
  const uri = vs.Uri.file(target);
  edit.createFile(uri, { ignoreIfExists: true, contents: new TextEncoder().encode(emptyFile(name)) });
  await vs.workspace.applyEdit(edit);
  await vs.window.showTextDocument(uri, { viewColumn: vs.ViewColumn.Beside, preview: false });
}
