// Writes the JSON Schema of the project file from its zod schema; `--check` fails when the file in git is older.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import prettier from 'prettier';
import { projectSchema } from '../src/core/project/schema.ts';

const file = fileURLToPath(new URL('../schemas/runpod-project.schema.json', import.meta.url));
const schema = {
  title: 'RunPod Trainer project',
  allowTrailingCommas: true,
  ...projectSchema.toJSONSchema({ io: 'input' }),
};
const text = await prettier.format(JSON.stringify(schema), { parser: 'json', printWidth: 120 });

if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== text) {
    console.error('schemas/runpod-project.schema.json is older than src/core/project/schema.ts: run `npm run schema`.');
    process.exitCode = 1;
  }
} else {
  mkdirSync(new URL('../schemas', import.meta.url), { recursive: true });
  writeFileSync(file, text);
}
