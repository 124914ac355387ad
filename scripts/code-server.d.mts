export const codeServerVersion: string;
export const debianPackages: string[];
export const quietSettings: Record<string, unknown>;

export interface CodeServer {
  url: string;
  port: number;
  pid: number;
  /** What it has written to its standard streams so far. */
  output(): string;
  stop(): Promise<void>;
}

export function cacheRoot(): string;
export function freePort(): Promise<number>;
export function ensureCodeServer(options?: { log?: (line: string) => void }): Promise<string>;
export function installExtensions(options: {
  entry: string;
  userDataDir: string;
  extensionsDir: string;
  vsix: string[];
}): Promise<void>;
export function startCodeServer(options: {
  entry: string;
  userDataDir: string;
  extensionsDir: string;
  folder?: string | undefined;
  port?: number | undefined;
  trust?: boolean;
  env?: Record<string, string>;
}): Promise<CodeServer>;
