import type * as vscode from 'vscode';
import type { ContextKey, ContextValues } from '../ids.ts';

/** Sets a context key that `when` clauses of the manifest use. */
export function setContext<K extends ContextKey>(vs: typeof vscode, key: K, value: ContextValues[K]): void {
  void vs.commands.executeCommand('setContext', key, value);
}
