import type { z } from 'zod';
import { Problem } from './problem.ts';

type Issue = z.core.$ZodIssue;

function at(body: unknown, path: readonly PropertyKey[]): unknown {
  let value = body;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}

function pointer(path: readonly PropertyKey[]): string {
  return ['$', ...path.map(String)].join('.');
}

function sentence(issue: Issue, body: unknown): string {
  const where = pointer(issue.path);
  if (issue.code === 'unrecognized_keys') {
    return `${where}: additional properties ${issue.keys.map((key) => `'${key}'`).join(', ')} not allowed`;
  }
  const value = at(body, issue.path);
  if (value === undefined && issue.path.length > 0) {
    return `${pointer(issue.path.slice(0, -1))}: missing property '${String(issue.path.at(-1))}'`;
  }
  if (issue.code === 'invalid_type') {
    const want =
      issue.expected === 'int' || issue.expected === 'number'
        ? 'integer'
        : issue.expected === 'record'
          ? 'object'
          : issue.expected;
    return `${where}: got ${kindOf(value)}, want ${want}`;
  }
  if (issue.code === 'invalid_value') {
    return `${where}: value must be one of ${issue.values.map((choice) => `'${String(choice)}'`).join(', ')}`;
  }
  if (issue.code === 'too_small') return `${where}: minimum: got ${sizeOf(value)}, want ${String(issue.minimum)}`;
  if (issue.code === 'too_big') return `${where}: maximum: got ${sizeOf(value)}, want ${String(issue.maximum)}`;
  if (issue.code === 'invalid_format') return `${where}: '${String(value)}' does not match pattern`;
  return `${where}: ${issue.message}`;
}

function sizeOf(value: unknown): string {
  return typeof value === 'string' || Array.isArray(value) ? String(value.length) : String(value);
}

/**
 * Checks a request body against its schema; a violation is a 422 in the platform's words. With `noisy`, one missing
 * field makes the answer name valid fields as unexpected too, as the platform's pod validator does.
 */
export function validate<T>(schema: z.ZodType<T>, body: unknown, noisy = false): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const errors = result.error.issues.map((issue) => sentence(issue, body));
  if (noisy && errors.some((text) => text.includes('missing property')) && typeof body === 'object' && body !== null) {
    const names = Object.keys(body).map((key) => `'${key}'`);
    if (names.length > 0) errors.push(`$: additional properties ${names.join(', ')} not allowed`);
  }
  throw new Problem(422, 'Request validation failed.', { errors });
}
