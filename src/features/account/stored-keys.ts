import * as z from 'zod';
import { parseJson } from '../../core/json.ts';

const s3Keys = z.object({ accessKeyId: z.string(), secretAccessKey: z.string() });
const keyPair = z.object({
  privateKey: z.string().startsWith('-----BEGIN OPENSSH PRIVATE KEY-----'),
  publicKey: z.string(),
});

/** S3 keys as secret storage has them; undefined when they are not there or not whole. */
export function readS3Keys(text: string | undefined): z.infer<typeof s3Keys> | undefined {
  return read(text, s3Keys);
}

/** The SSH key pair as secret storage has it; undefined when it is not there or not whole. */
export function readKeyPair(text: string | undefined): z.infer<typeof keyPair> | undefined {
  return read(text, keyPair);
}

function read<T>(text: string | undefined, schema: z.ZodType<T>): T | undefined {
  return text === undefined ? undefined : schema.safeParse(parseJson(text)).data;
}
