import type { RunPodClient } from '../runpod/client.ts';

/** A line of `ssh-keygen -lf`, as official images print it at boot. */
const fingerprint = /\b(SHA256:[A-Za-z0-9+/]{43})(?![A-Za-z0-9+/])/g;

export function fingerprintsIn(line: string): string[] {
  return [...line.matchAll(fingerprint)].map((m) => m[1] ?? '');
}

/**
 * Host-key fingerprints that a pod printed at boot, read over the authenticated API: with them the first connection
 * need not trust whoever answers. Empty when the image prints none or the log cannot be read within `patienceMs`.
 */
export async function bootFingerprints(
  client: RunPodClient,
  podId: string,
  options: { patienceMs?: number; signal?: AbortSignal | undefined } = {},
): Promise<string[]> {
  const patience = AbortSignal.timeout(options.patienceMs ?? 1500);
  const signal = options.signal === undefined ? patience : AbortSignal.any([patience, options.signal]);
  const found = new Set<string>();
  try {
    for await (const { line } of client.pods.logs(podId, { source: 'container', tail: 500 }, signal)) {
      for (const text of fingerprintsIn(line)) {
        found.add(text);
      }
      if (found.size > 0 && /Pod is ready to use/.test(line)) {
        break;
      }
    }
  } catch {
    // The log is a help, not a condition: without it the key is trusted on first use and shown.
  }
  return [...found];
}
