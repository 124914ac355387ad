// Writes the JSON Schemas of the project file: the strict one for tools, from its zod schema, and for the editor one that
// asks for nothing, since the extension itself completes, explains and finds the problems there: two that do would say
// everything twice. `--check` fails when a file in git is older than its source.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import prettier from 'prettier';
import { projectSchema } from '../src/core/project/schema.ts';

const folder = fileURLToPath(new URL('../schemas/', import.meta.url));
const strict = {
  title: 'RunPod Trainer project',
  allowTrailingCommas: true,
  ...projectSchema.toJSONSchema({ io: 'input' }),
};
const schemas = {
  'runpod-project.schema.json': strict,
  'runpod-project.editor.schema.json': { title: strict.title, allowTrailingCommas: true, type: 'object' },
};

mkdirSync(folder, { recursive: true });
for (const [name, schema] of Object.entries(schemas)) {
  const text = await prettier.format(JSON.stringify(schema), { parser: 'json', printWidth: 120 });
  if (!process.argv.includes('--check')) {
    writeFileSync(folder + name, text);
  } else if (readFileSync(folder + name, 'utf8') !== text) {
    console.error(`schemas/${name} is older than src/core/project/schema.ts: run \`npm run schema\`.`);
    process.exitCode = 1;
  }
}
