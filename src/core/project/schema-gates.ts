import * as z from 'zod';
import { isObject, pattern, relativePath } from './schema-values.ts';
import type { WrittenNumber } from './written.ts';

/** A value that a gate compares with; `parseProject` puts it in as it was written. */
const scalar = z
  .union([z.string(), z.number(), z.boolean()], 'must be a text, a number, true or false')
  .transform((value): string | number | boolean | WrittenNumber => value);

const allowStale = z
  .boolean()
  .optional()
  .describe('What was there before the step began counts too, for a step that only checks or keeps what is there.');

const gateBase = {
  type: z.string(),
  timeoutMinutes: z
    .number()
    .positive()
    .optional()
    .describe("The gate is an error when it takes longer; the step's own limit unless told, else 30 minutes."),
};

export const gateSchema = z.discriminatedUnion('type', [
  z
    .strictObject({
      ...gateBase,
      allowStale,
      type: z.literal('file'),
      path: pattern,
      minBytes: z.int().min(0).default(1).describe('Smallest acceptable size of each matching file, in bytes.'),
    })
    .describe('The step wrote a file.'),
  z
    .strictObject({
      ...gateBase,
      allowStale,
      type: z.literal('rows'),
      path: relativePath,
      equals: z.int().min(0).optional().describe('Exact number of rows.'),
      min: z.int().min(0).optional().describe('Smallest number of rows.'),
      max: z.int().min(0).optional().describe('Largest number of rows.'),
    })
    .refine((g) => g.equals !== undefined || g.min !== undefined || g.max !== undefined, {
      message: 'needs "equals", "min" or "max"',
      when: isObject,
    })
    .describe('The row count of a parquet file.'),
  z
    .strictObject({
      ...gateBase,
      allowStale,
      type: z.literal('distinct'),
      path: relativePath,
      column: z.string().min(1),
      includes: z.array(scalar).optional().describe('Values that must all be present.'),
      count: z.int().min(1).optional().describe('Exact number of distinct values.'),
    })
    .refine((g) => g.includes !== undefined || g.count !== undefined, {
      message: 'needs "includes" or "count"',
      when: isObject,
    })
    .describe('The distinct values of a parquet column.'),
  z
    .strictObject({
      ...gateBase,
      allowStale,
      type: z.literal('populated'),
      path: relativePath,
      column: z.string().min(1),
      where: z
        .strictObject({ column: z.string().min(1), equals: scalar })
        .optional()
        .describe('Looks only at rows where this column has this value.'),
      minShare: z
        .number()
        .gt(0)
        .max(1)
        .default(1)
        .describe('Share of the selected rows that must have a value, 0 to 1.'),
    })
    .describe('A parquet column has values in the rows that a filter selects.'),
  z
    .strictObject({
      ...gateBase,
      type: z.literal('metric'),
      name: z.string().min(1).describe('Name of a metric that the step reports through RUNPOD_TRAINER_METRICS.'),
      min: z.number().optional(),
      max: z.number().optional(),
      of: z.enum(['last', 'best', 'worst']).default('last').describe('Which reported value counts.'),
    })
    .refine((g) => g.min !== undefined || g.max !== undefined, { message: 'needs "min" or "max"' })
    .describe('A reported metric is finite and within bounds.'),
  z
    .strictObject({ ...gateBase, allowStale, type: z.literal('checkpoint'), path: relativePath })
    .describe('A checkpoint is whole and loads, and its numbers are finite.'),
  z
    .strictObject({
      ...gateBase,
      type: z.literal('script'),
      script: relativePath,
      args: z.array(z.string()).default([]),
    })
    .describe('A Python script of your own exits with 0.'),
]);

export type GateValue = z.infer<typeof scalar>;
export type Gate = z.infer<typeof gateSchema>;
