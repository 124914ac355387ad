import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';

/** A pair for logging in: `privateKey` in OpenSSH's PEM form, `publicKey` one line as in `authorized_keys`. */
export interface SshKeyPair {
  privateKey: string;
  publicKey: string;
  /** Private keys of before, offered after this one to machines that were made for them. */
  earlier?: readonly string[];
}

const keyType = 'ssh-ed25519';

/**
 * Makes an ed25519 pair without a passphrase. `comment` ends the public line and must be one line itself.
 *
 * The OpenSSH container is written here because the generator of the ssh2 library makes an unreadable key about once
 * in two hundred times (it drops leading bytes of the DER form).
 */
export function generateKeyPair(comment: string): SshKeyPair {
  if (/[\r\n\0]/.test(comment)) {
    throw new TypeError('The comment of a key must be one line.');
  }
  const { privateKey } = generateKeyPairSync('ed25519');
  const jwk = privateKey.export({ format: 'jwk' });
  if (jwk.d === undefined || jwk.x === undefined) {
    throw new Error('The cryptography library returned an ed25519 key without its parts.');
  }
  const seed = Buffer.from(jwk.d, 'base64url');
  const point = Buffer.from(jwk.x, 'base64url');
  const publicBlob = Buffer.concat([field(keyType), field(point)]);
  return {
    privateKey: pem(privateContainer(publicBlob, seed, point, comment)),
    publicKey: `${keyType} ${publicBlob.toString('base64')} ${comment}`.trimEnd(),
  };
}

/** `SHA256:…` of a public key blob, written as `ssh-keygen -l` does. */
export function fingerprintOf(publicBlob: Buffer): string {
  return `SHA256:${createHash('sha256').update(publicBlob).digest('base64').replace(/=+$/, '')}`;
}

function privateContainer(publicBlob: Buffer, seed: Buffer, point: Buffer, comment: string): Buffer {
  // The same random number twice is the format's check that decryption gave sense; here nothing is encrypted.
  const check = randomBytes(4);
  const secret = Buffer.concat([
    check,
    check,
    field(keyType),
    field(point),
    field(Buffer.concat([seed, point])),
    field(comment),
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, i) => i + 1));
  return Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    field('none'),
    field('none'),
    field(''),
    uint32(1),
    field(publicBlob),
    field(Buffer.concat([secret, padding])),
  ]);
}

function pem(container: Buffer): string {
  const lines = container.toString('base64').match(/.{1,70}/g) ?? [];
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n');
}

function field(value: string | Buffer): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
