import type * as vscode from 'vscode';
import { inspect } from 'node:util';
import type { Disposable } from './disposables.ts';
import type { Secret } from './secret.ts';

/** What a log line may carry. Objects are left out on purpose: nobody knows what will be in them tomorrow. */
export type LogValue = string | number | boolean | Error | Secret | undefined;

export interface Log {
  debug(message: string, ...values: LogValue[]): void;
  info(message: string, ...values: LogValue[]): void;
  warn(message: string, ...values: LogValue[]): void;
  error(message: string, ...values: LogValue[]): void;
  show(): void;
}

/** One line of log text. A Secret shows as `[secret]`, an error with its causes but without its other fields. */
export function logLine(message: string, values: readonly LogValue[]): string {
  return [message, ...values.map(text)].join(' ');
}

function text(value: LogValue): string {
  return value instanceof Error ? errorText(value) : typeof value === 'object' ? inspect(value) : String(value);
}

/** Stack and causes only: errors of HTTP clients carry whole requests with their headers. */
function errorText(error: Error): string {
  const own = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause instanceof Error ? `${own}\nCaused by: ${errorText(error.cause)}` : own;
}

/** The extension's log in the Output panel; the user sets its level there. */
export function createLog(vs: typeof vscode): Log & Disposable {
  const channel = vs.window.createOutputChannel('RunPod Trainer', { log: true });
  return {
    debug: (message, ...values) => channel.debug(logLine(message, values)),
    info: (message, ...values) => channel.info(logLine(message, values)),
    warn: (message, ...values) => channel.warn(logLine(message, values)),
    error: (message, ...values) => channel.error(logLine(message, values)),
    show: () => channel.show(true),
    dispose: () => channel.dispose(),
  };
}
