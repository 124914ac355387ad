/** A gate or a step as it is written, with places to fill in. */
export interface Template {
  label: string;
  detail: string;
  /** A snippet of the editor. */
  body: string;
}

const gate = (label: string, detail: string, fields: string): Template => ({
  label: `gate: ${label}`,
  detail,
  body: `{ "type": "${label}", ${fields} }`,
});

/** One of each kind of gate, its type first. */
export const gateTemplates: readonly Template[] = [
  gate('file', 'The step wrote this file', '"path": "${1:output/model.safetensors}"'),
  gate('metric', 'A reported number is within bounds', '"name": "${1:loss}", "${2|max,min|}": ${3:1.0}'),
  gate('rows', 'A parquet file has so many rows', '"path": "${1:data/table.parquet}", "min": ${2:1}'),
  gate(
    'distinct',
    'A parquet column has these values',
    '"path": "${1:data/table.parquet}", "column": "${2:label}", "includes": ["${3:a}"]',
  ),
  gate(
    'populated',
    'A parquet column is filled in',
    '"path": "${1:data/table.parquet}", "column": "${2:embedding}", "minShare": ${3:1}',
  ),
  gate('checkpoint', 'A checkpoint is whole and its numbers are finite', '"path": "${1:output/model.safetensors}"'),
  gate('script', 'A Python script of your own exits with 0', '"script": "${1:checks/verify.py}"'),
];

const step = (label: string, detail: string, fields: string): Template => ({
  label: `step: ${label}`,
  detail,
  body: `{\n  "name": "\${1:${label}}",\n  ${fields},\n  "gates": [$0]\n}`,
});

/** One of each kind of step. */
export const stepTemplates: readonly Template[] = [
  step('script', 'Runs a Python file', '"script": "${2:train.py}",\n  "outputs": ["${3:output/}"]'),
  step('module', 'Runs python -m', '"module": "${2:package.train}",\n  "outputs": ["${3:output/}"]'),
  step('notebook', 'Runs a notebook cell by cell', '"notebook": "${2:train.ipynb}",\n  "parameters": { $3 }'),
  step('shell', 'Runs a command under bash', '"shell": "${2:echo hello}"'),
  step(
    'local',
    'Runs on this machine before the upload',
    '"script": "${2:prepare.py}",\n  "where": "local",\n  "outputs": ["${3:data/table.parquet}"]',
  ),
];

export const checkpointsTemplate: Template = {
  label: 'checkpoints',
  detail: 'Goes on from the last complete one after a failure',
  body: '{ "pattern": "${1:output/checkpoint-*}", "complete": "${2:trainer_state.json}" }',
};
