/** Whether an address is that of this machine: the sandbox bills nothing. */
export function isLoopback(url: string): boolean {
  return URL.canParse(url) && ['127.0.0.1', '[::1]', 'localhost'].includes(new URL(url).hostname);
}
