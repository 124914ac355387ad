/** Words of JSON Schema that only refuse something; they help neither completion nor hover. */
const refusals = new Set([
  'required',
  'additionalProperties',
  'propertyNames',
  'pattern',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
]);

/** Fields whose keys are names of the user's fields, not words of JSON Schema. */
const maps = new Set(['properties', 'definitions', '$defs']);

/**
 * The project file's schema for completion and hover alone. The extension finds the problems itself, with better
 * words and files looked at; with the strict schema every mistake would be reported twice.
 */
export function editorSchema(strict: unknown): unknown {
  if (Array.isArray(strict)) {
    return strict.map(editorSchema);
  }
  if (typeof strict !== 'object' || strict === null) {
    return strict;
  }
  const kept = Object.entries(strict).filter(([word, value]) => !refusals.has(word) || isValueSchema(word, value));
  return Object.fromEntries(
    kept.map(([word, value]) => [
      word,
      maps.has(word)
        ? Object.fromEntries(Object.entries(value as object).map(([name, schema]) => [name, editorSchema(schema)]))
        : ['default', 'enum', 'const', 'examples'].includes(word)
          ? value
          : editorSchema(value),
    ]),
  );
}

/** `additionalProperties` with a schema describes the values of a map, such as a profile's fields. */
function isValueSchema(word: string, value: unknown): boolean {
  return word === 'additionalProperties' && typeof value === 'object';
}
