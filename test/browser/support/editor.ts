import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { chromium, type Browser } from 'playwright-core';
import {
  type CodeServer,
  ensureCodeServer,
  installExtensions,
  quietSettings,
  startCodeServer,
} from '../../../scripts/code-server.mjs';
import { once, packageExtension, temporaryFolder } from './package.ts';
import { Workbench } from './workbench.ts';

export { quietSettings };

export const themes = {
  dark: 'Default Dark Modern',
  light: 'Default Light Modern',
  contrast: 'Default High Contrast',
};

export interface EditorOptions {
  /** The folder to open; none opens an empty window. */
  folder?: string | undefined;
  theme?: keyof typeof themes;
  /** true: VS Code asks whether the folder is trusted; false (the default): it is. */
  trust?: boolean;
  settings?: Record<string, unknown>;
  /** Settings that belong to the machine, which user settings cannot set in a remote window. */
  machineSettings?: Record<string, unknown>;
  /** Further VSIX files to install. */
  vsix?: string[];
  /** Environment of the extension host. */
  env?: Record<string, string>;
}

/** A real VS Code with the packaged extension in it, driven through a browser. */
export interface Editor {
  workbench: Workbench;
  server: CodeServer;
  userDataDir: string;
  /** A second window on the same server. */
  openWindow(folder?: string): Promise<Workbench>;
  close(): Promise<void>;
}

/** A folder of extensions with ours in it, as VS Code installs it. */
const installedExtension = once('installed', async (extensionsDir) => {
  const [entry, vsix, home] = await Promise.all([ensureCodeServer(), packageExtension(), temporaryFolder('install')]);
  await mkdir(extensionsDir);
  await installExtensions({ entry, userDataDir: join(home, 'data'), extensionsDir, vsix: [vsix] });
});

/** Starts VS Code with fresh user data, the extension installed, and one window open. */
export async function openEditor(options: EditorOptions = {}): Promise<Editor> {
  const [entry, installed, home] = await Promise.all([
    ensureCodeServer(),
    installedExtension(),
    temporaryFolder('editor'),
  ]);
  const userDataDir = join(home, 'data');
  const extensionsDir = join(home, 'extensions');
  await mkdir(join(userDataDir, 'User'), { recursive: true });
  await cp(installed, extensionsDir, { recursive: true });
  const settings = {
    ...quietSettings,
    'workbench.colorTheme': themes[options.theme ?? 'dark'],
    ...options.settings,
  };
  await writeFile(join(userDataDir, 'User', 'settings.json'), JSON.stringify(settings, null, 2));
  await mkdir(join(userDataDir, 'Machine'), { recursive: true });
  await writeFile(join(userDataDir, 'Machine', 'settings.json'), JSON.stringify(options.machineSettings ?? {}));
  if (options.vsix !== undefined) {
    await installExtensions({ entry, userDataDir, extensionsDir, vsix: options.vsix });
  }
  const { folder, trust = false, env = {} } = options;
  // Editors leave sockets and caches in the temporary folder. Its name is short, for the sockets.
  const temporary = await mkdtemp(join(tmpdir(), 'e-'));
  const server = await startCodeServer({
    ...{ entry, userDataDir, extensionsDir, folder, trust },
    env: { ...env, TMPDIR: temporary },
  });
  let browser: Browser | undefined;
  const close = async (): Promise<void> => {
    // A browser that has crashed may never answer; the server must not be left because of that.
    await Promise.race([browser?.close(), delay(10_000, undefined, { ref: false })]);
    await server.stop();
    for (const one of [home, temporary]) await rm(one, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    browser = await chromium.launch({
      executablePath: process.env['RUNPOD_TRAINER_CHROMIUM'] ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-component-update'],
    });
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const openWindow = async (path?: string): Promise<Workbench> => {
      const page = await context.newPage();
      const query = path === undefined ? '?ew=true' : `?folder=${encodeURIComponent(path)}`;
      const workbench = new Workbench(page);
      await workbench.watchNotifications();
      await page.goto(`${server.url}${query}`, { timeout: 60_000 });
      await workbench.waitUntilReady();
      return workbench;
    };
    return { workbench: await openWindow(folder), server, userDataDir, openWindow, close };
  } catch (error) {
    await close();
    throw error;
  }
}
