/** What a run inside the extension host found. */
export interface Outcome {
  passed: number;
  failed: number;
  tests: { title: string; ms: number; error?: string }[];
}
