#!/usr/bin/env node
// The whole command line is imported only after the check: an older Node could not even read it.
import { existsSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import packageJson from '../package.json' with { type: 'json' };
import { exitCodes } from './cli/exit.ts';
import { whyTooOld } from './cli/oldest-node.ts';
import { homeFolder } from './core/home/folder.ts';

const refusal = whyTooOld(packageJson.engines.node, process.versions.node);
if (refusal === undefined) {
  // Saves a third of the start. Not in Node's own place, the system's temporary folder, which others may write.
  if (existsSync(homeFolder())) {
    module.enableCompileCache(join(homeFolder(), 'compile-cache'));
  }
  await import('./cli/main.ts');
} else {
  console.error(refusal);
  process.exitCode = exitCodes.badInput;
}
