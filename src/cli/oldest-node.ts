// Runs on any Node, so nothing new here and no imports.

/** What to say when this Node is older than `needed`, package.json's `engines.node` as in ">=22.15". */
export function whyTooOld(needed: string, version: string): string | undefined {
  const [major, minor] = numbersIn(needed);
  const [thisMajor, thisMinor] = numbersIn(version);
  return thisMajor > major || (thisMajor === major && thisMinor >= minor)
    ? undefined
    : `runpod-trainer needs Node.js ${major}.${minor} or newer and this is ${version}: ` +
        'install a newer one, for example from https://nodejs.org, and run the command again.';
}

function numbersIn(version: string): [major: number, minor: number] {
  const [major = 0, minor = 0] = version.match(/\d+/g)?.map(Number) ?? [];
  return [major, minor];
}
