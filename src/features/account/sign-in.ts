import type * as vscode from 'vscode';
import { checkConnection, isLoopback } from '../../core/runpod/connection.ts';
import { RunPodClient } from '../../core/runpod/client.ts';
import { Secret } from '../common/secret.ts';
import type { Account } from './account.ts';
import type { Credentials } from './credentials.ts';
import { askKey } from './key-box.ts';

const keysPage = 'https://console.runpod.io/user/settings';

/** Where keys for an address are made; nobody makes them for an API on this machine. */
function pageFor(restUrl: string): { page?: string } {
  return isLoopback(restUrl) ? {} : { page: keysPage };
}

/** Asks for an API key, checks it with one cheap call and keeps it. Answers false when the user gave up. */
export async function signIn(vs: typeof vscode, account: Account): Promise<boolean> {
  account.requireTrust();
  const { restUrl } = checkConnection({ restUrl: account.configuredUrl, apiKey: '-' });
  const { host } = new URL(restUrl);
  if (!account.isApproved(restUrl) && !(await approveHost(vs, account, restUrl, host))) {
    return false;
  }
  const logged = await account.requestLog();
  const key = await askKey(vs, {
    title: 'Sign In to RunPod',
    prompt: `API key for ${host}, from the RunPod console under Settings > API Keys. It is checked and kept in VS Code's secret storage.`,
    placeHolder: 'rpa_…',
    ...pageFor(restUrl),
    check: (entered, signal) =>
      new RunPodClient(checkConnection({ restUrl, apiKey: entered.reveal() }), logged).account.checkKey(signal),
  });
  if (key === undefined) {
    return false;
  }
  await account.signIn(restUrl, key);
  vs.window.setStatusBarMessage(`$(check) Signed in to ${host}`, 5000);
  return true;
}

/** Asks for the S3 API keys, which RunPod makes apart from the API key. */
export async function setS3Keys(vs: typeof vscode, account: Account, credentials: Credentials): Promise<void> {
  account.requireTrust();
  const title = 'Set S3 Keys';
  const page = pageFor(account.configuredUrl);
  const accessKeyId = await askKey(vs, {
    title,
    prompt: 'Access key of the S3 API key, from the RunPod console under Settings > S3 API Keys.',
    placeHolder: 'user_…',
    hidden: false,
    ...page,
  });
  if (accessKeyId === undefined) {
    return;
  }
  const secretAccessKey = await askKey(vs, {
    title,
    prompt: 'Secret of the S3 API key.',
    placeHolder: 'rps_…',
    ...page,
  });
  if (secretAccessKey !== undefined) {
    // The sandbox brings keys of its own, which nobody enters.
    await credentials.setS3Keys(account.configuredUrl, { accessKeyId: accessKeyId.reveal(), secretAccessKey });
    vs.window.setStatusBarMessage('$(check) S3 keys kept', 5000);
  }
}

/** Keeps a secret that steps may ask for by name (`"secrets": ["WANDB_API_KEY"]`); `target` may have that name. */
export async function setStepSecret(
  vs: typeof vscode,
  account: Account,
  credentials: Credentials,
  target?: unknown,
): Promise<void> {
  account.requireTrust();
  const title = 'Set Secret';
  const known = typeof target === 'object' && target !== null && 'name' in target ? target.name : undefined;
  const name = typeof known === 'string' && isSecretName(known) ? known : await askSecretName(vs, title);
  if (name === undefined) {
    return;
  }
  const value = await vs.window.showInputBox({
    title,
    prompt: `Value of ${name.trim()}. It reaches only steps that list it; leave it empty to forget it.`,
    password: true,
    ignoreFocusOut: true,
  });
  if (value !== undefined) {
    await credentials.setStepSecret(name.trim(), new Secret(value));
    vs.window.setStatusBarMessage(`$(check) ${value === '' ? 'Forgot' : 'Kept'} ${name.trim()}`, 5000);
  }
}

const isSecretName = (text: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(text.trim());

function askSecretName(vs: typeof vscode, title: string): Thenable<string | undefined> {
  return vs.window.showInputBox({
    title,
    prompt: 'Name of the environment variable, as steps list it under "secrets".',
    placeHolder: 'WANDB_API_KEY',
    ignoreFocusOut: true,
    validateInput: (text) => (isSecretName(text) ? undefined : 'Letters, digits and "_", not starting with a digit.'),
  });
}

export async function signOut(vs: typeof vscode, account: Account): Promise<void> {
  const button = 'Sign Out';
  const detail = account.usesSandbox
    ? 'This window leaves the sandbox until that is started again. No key is removed from secret storage, and what runs in the sandbox goes on.'
    : `The API key and S3 keys of ${account.host} are removed from secret storage. Pods that run go on and cost money until they end.`;
  const chosen = await vs.window.showWarningMessage(`Sign out of ${account.host}?`, { modal: true, detail }, button);
  if (chosen === button) {
    await account.signOut();
  }
}

async function approveHost(vs: typeof vscode, account: Account, restUrl: string, host: string): Promise<boolean> {
  const button = `Use ${host}`;
  const detail = `The setting runpodTrainer.restUrl names ${restUrl}, which is not RunPod's own address. Your API key will be sent there. Go on only if you put that address there.`;
  const chosen = await vs.window.showWarningMessage(`Send an API key to ${host}?`, { modal: true, detail }, button);
  if (chosen === button) {
    await account.approve(restUrl);
    return true;
  }
  return false;
}
