import * as z from 'zod';
import { JobJournals } from '../../core/journal/job-journals.ts';
import type { JobRecords } from '../../core/journal/records.ts';
import { plainLine } from '../../messages/terminal-text.ts';

/** VS Code opens no text beyond 50 MB; the newest lines are what people look for. */
const maxChars = 40_000_000;

const querySchema = z.object({ job: z.string().regex(/^\w[\w.-]*$/), step: z.string() });

/** The whole log of a step as the journals have it, without terminal sequences; `query` is that of its address. */
export async function logText(records: JobRecords, query: string): Promise<string> {
  const { job, step } = querySchema.parse(JSON.parse(query));
  const record = await records.get(job);
  if (record === undefined) {
    return 'This machine does not know the job.';
  }
  let lines: string[] = [];
  const journals = new JobJournals(records, record, {
    event: (event) => {
      if (event.type === 'log' && (event.step ?? '') === step) {
        lines.push(...event.lines.map(plainLine));
      }
    },
    restart: () => (lines = []),
  });
  await journals.read();
  const text = lines.join('\n');
  return text.length <= maxChars ? text : text.slice(text.indexOf('\n', text.length - maxChars) + 1);
}
