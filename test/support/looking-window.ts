// Asks a question about an account again and again, as a window does: node looking-window.ts <home> <url> <every ms>.
import { SharedLook } from '../../src/core/home/shared-look.ts';
import * as z from 'zod';

const [home = '', url = '', every = '200'] = process.argv.slice(2);
const everyMs = Number(every);
const look = new SharedLook(
  { home, account: 'a'.repeat(32), question: 'pods' },
  (answer) => z.array(z.string()).safeParse(answer).data,
);
for (;;) {
  const { value, seen, asked } = await look.get(everyMs, async () => (await (await fetch(url)).json()) as string[]);
  process.stdout.write(`${JSON.stringify({ value, age: Date.now() - seen.getTime(), asked })}\n`);
  await new Promise((resolve) => setTimeout(resolve, everyMs / 4));
}
