import type * as vscode from 'vscode';

/** Scheme of the read-only documents with a step's whole log. */
export const logScheme = 'runpod-job-log';

export function logUri(vs: typeof vscode, project: string, job: string, step: string): vscode.Uri {
  const path = `/${project}${step === '' ? '' : ` · ${step}`}.log`.replaceAll(/[\\?#:]/g, '_');
  return vs.Uri.from({ scheme: logScheme, path, query: JSON.stringify({ job, step }) });
}
