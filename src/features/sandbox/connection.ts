import * as z from 'zod';

const connectionSchema = z.object({
  restUrl: z.url(),
  key: z.string(),
  s3Url: z.url(),
  s3Keys: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }),
  pid: z.int(),
});
export type SandboxConnection = z.infer<typeof connectionSchema>;

/** What a running sandbox has written about itself; undefined while that is not whole. */
export function readConnection(text: string): SandboxConnection | undefined {
  try {
    return connectionSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // read while it was written; the next look sees it whole
  }
}
