/** Who asked for what cost money: `terminal on workstation`; nothing where an earlier release did not note it. */
export function askerText(asker: { by: string; host: string } | null | undefined): string {
  return asker == null ? '' : `${asker.by} on ${asker.host}`;
}
