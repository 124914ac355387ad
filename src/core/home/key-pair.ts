import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, UserError } from '../errors.ts';
import { readIfThere, writeFileAtomic } from '../files/atomic.ts';
import { generateKeyPair, type SshKeyPair } from '../ssh/index.ts';

/** A key that an editor kept in a storage of its own, before a home had one key for all. */
export interface KeptKey {
  read(): Promise<SshKeyPair | undefined>;
  remove(): Promise<void>;
}

const keyName = 'id_ed25519';
const earlierName = /^id_ed25519\.[0-9a-f]{16}$/;
/** A server counts each key that it refuses, and hangs up after six. */
const mostEarlier = 4;

/**
 * The SSH key of a home, made once and kept as ssh keeps its own: a file that only its owner reads. Terminals and
 * windows log in with the same one. A kept key moves into the home: as its key when it has none, else beside it, for the
 * pods that were rented with it.
 */
export async function keyPairOf(home: string, kept?: KeptKey): Promise<SshKeyPair> {
  const folder = join(home, 'ssh');
  const moving = await kept?.read();
  const pair =
    (await readKeyPair(folder)) ?? (await makeFirst(home, folder, moving ?? generateKeyPair('runpod-trainer')));
  if (moving !== undefined) {
    if (moving.privateKey !== pair.privateKey) {
      const digest = createHash('sha256').update(moving.publicKey).digest('hex');
      await writeFileAtomic(join(folder, `${keyName}.${digest.slice(0, 16)}`), moving.privateKey);
    }
    await kept?.remove();
  }
  return { ...pair, earlier: await earlierKeys(folder) };
}

/** Both halves appear at once, so that several that are the first at the same time get the same pair. */
async function makeFirst(home: string, folder: string, pair: SshKeyPair): Promise<SshKeyPair> {
  const fresh = join(home, `ssh.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await mkdir(fresh, { recursive: true, mode: 0o700 });
    await writeFileAtomic(join(fresh, keyName), pair.privateKey);
    await writeFileAtomic(join(fresh, `${keyName}.pub`), `${pair.publicKey}\n`, 0o644);
    await rename(fresh, folder);
    return pair;
  } catch (error) {
    const other = await readKeyPair(folder);
    if (other === undefined) {
      throw new UserError(
        'ssh-key',
        {
          what: `The SSH key of this installation could not be made in ${folder}.`,
          why: messageOf(error),
          next: 'Check that the folder can be written; when only one half of a key pair is in it, delete that folder.',
        },
        { cause: error },
      );
    }
    return other;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function readKeyPair(folder: string): Promise<SshKeyPair | undefined> {
  const file = join(folder, keyName);
  const [privateKey, publicKey] = await Promise.all([readIfThere(file), readIfThere(`${file}.pub`)]);
  return privateKey === undefined || publicKey === undefined ? undefined : { privateKey, publicKey: publicKey.trim() };
}

/** The newest first. */
async function earlierKeys(folder: string): Promise<string[]> {
  const files = (await readdir(folder)).filter((name) => earlierName.test(name)).map((name) => join(folder, name));
  const found = await Promise.all(
    files.map(async (file) => ({ text: await readFile(file, 'utf8'), time: (await stat(file)).mtimeMs })),
  );
  const newest = found.toSorted((a, b) => b.time - a.time).slice(0, mostEarlier);
  return newest.map(({ text }) => text);
}
