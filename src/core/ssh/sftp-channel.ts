import type { ClientChannel } from 'ssh2';
import type { FileAttributes, FileService } from './file-service.ts';

/** Numbers of draft-ietf-secsh-filexfer-02, the version 3 that OpenSSH speaks. */
const type = {
  init: 1,
  version: 2,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  fstat: 8,
  remove: 13,
  mkdir: 14,
  realpath: 16,
  stat: 17,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  attributes: 105,
} as const;

const statusOk = 0;
const version = 3;
/** No packet of OpenSSH is longer. */
const longestPacket = 256 * 1024;
/** What is kept of what came before the first packet, for people. */
const noiseKept = 2048;

interface Reply {
  type: number;
  /** After the number of the request. */
  body: Buffer;
}

/**
 * The file service of an image whose login shell prints. Many SFTP servers are programs that sshd starts through that
 * shell, so what its start files print comes before the first packet. The library takes the first bytes for a packet and
 * offers no way to drop some, so here the protocol is spoken over the bare channel, and what comes before it is passed over.
 */
export class SftpChannel implements FileService {
  readonly #channel: ClientChannel;
  readonly #waiting = new Map<number, { resolve: (reply: Reply) => void; reject: (error: Error) => void }>();
  #isOver = false;
  #next = 0;
  #chunks: Buffer[] = [];
  #length = 0;
  #open: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #noise = '';

  constructor(channel: ClientChannel) {
    this.#channel = channel;
    channel.on('data', (chunk: Buffer) => this.#take(chunk));
    channel.stderr.on('data', (chunk: Buffer) => this.#hear(chunk));
    channel.on('error', () => undefined);
    channel.once('close', () => this.abandon());
  }

  /** What came before the first packet, as text. */
  get noise(): string {
    return (this.#noise + (this.#open === undefined ? '' : this.#joined().toString('utf8'))).trim();
  }

  onEnd(tell: () => void): void {
    this.#channel.once('close', tell);
  }

  abandon(): void {
    this.#isOver = true;
    this.#open?.reject(ended());
    for (const { reject } of this.#waiting.values()) {
      reject(ended());
    }
    this.#waiting.clear();
  }

  /** Greets the server and waits for its answer. */
  begin(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#open = { resolve, reject };
      this.#channel.write(Buffer.concat([uint32(5), Buffer.from([type.init]), uint32(version)]));
    });
  }

  /** Ends the input: a server ends then, and so does a shell in its place. */
  end(): void {
    this.#channel.end();
  }

  open(path: string, flags: number): Promise<Buffer> {
    return this.#ask(type.open, [text(path), uint32(flags), uint32(0)]).then(({ body }) => field(body));
  }

  async close(handle: Buffer): Promise<void> {
    await this.#ask(type.close, [prefixed(handle)]);
  }

  read(handle: Buffer, position: number, length: number): Promise<Buffer> {
    const fields = [prefixed(handle), uint64(position), uint32(length)];
    return this.#ask(type.read, fields).then(({ body }) => field(body));
  }

  async write(handle: Buffer, position: number, data: Buffer): Promise<void> {
    await this.#ask(type.write, [prefixed(handle), uint64(position), uint32(data.length), data]);
  }

  async remove(path: string): Promise<void> {
    await this.#ask(type.remove, [text(path)]);
  }

  async makeFolder(path: string): Promise<void> {
    await this.#ask(type.mkdir, [text(path), uint32(0)]);
  }

  async realPath(path: string): Promise<string> {
    const { body } = await this.#ask(type.realpath, [text(path)]);
    return field(body.subarray(4)).toString('utf8');
  }

  async attributes(of: Buffer | string): Promise<FileAttributes> {
    const { body } =
      typeof of === 'string' ? await this.#ask(type.stat, [text(of)]) : await this.#ask(type.fstat, [prefixed(of)]);
    return attributesIn(body);
  }

  #ask(kind: number, fields: readonly Buffer[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#isOver || !this.#channel.writable) {
        reject(ended());
        return;
      }
      const id = this.#next;
      this.#next = (this.#next + 1) >>> 0;
      this.#waiting.set(id, { resolve, reject });
      const length = fields.reduce((sum, bytes) => sum + bytes.length, 5);
      // Large data goes as it is, small fields in one piece.
      const large = fields.at(-1);
      const apart = large !== undefined && large.length > 1024;
      const head = [uint32(length), Buffer.from([kind]), uint32(id), ...(apart ? fields.slice(0, -1) : fields)];
      this.#channel.write(Buffer.concat(head));
      if (apart) {
        this.#channel.write(large);
      }
    });
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#open !== undefined && !this.#findVersion()) {
      return;
    }
    for (let packet = this.#packet(); packet !== undefined; packet = this.#packet()) {
      this.#answer(packet);
    }
  }

  /** Drops what stands before the server's greeting; true when that has come whole and was taken. */
  #findVersion(): boolean {
    const bytes = this.#joined();
    const at = greetingIn(bytes);
    const noise = bytes.subarray(0, at ?? Math.max(0, bytes.length - 8));
    this.#hear(noise);
    this.#keep(bytes.subarray(noise.length));
    const packet = at === undefined ? undefined : this.#packet();
    if (packet === undefined) {
      return false;
    }
    this.#open?.resolve();
    this.#open = undefined;
    return true;
  }

  #hear(noise: Buffer): void {
    if (noise.length > 0 && this.#open !== undefined) {
      this.#noise = (this.#noise + noise.toString('utf8')).slice(-noiseKept);
    }
  }

  /** The next packet without its length, when it has come whole. */
  #packet(): Buffer | undefined {
    if (this.#length < 4) {
      return undefined;
    }
    if ((this.#chunks[0]?.length ?? 0) < 4) {
      this.#joined();
    }
    const length = this.#chunks[0]?.readUInt32BE(0) ?? 0;
    if (length > longestPacket) {
      this.#channel.destroy();
      return undefined;
    }
    if (this.#length < 4 + length) {
      return undefined;
    }
    const bytes = this.#joined();
    this.#keep(bytes.subarray(4 + length));
    return bytes.subarray(4, 4 + length);
  }

  #answer(packet: Buffer): void {
    if (packet.length < 9) {
      this.#channel.destroy();
      return;
    }
    const id = packet.readUInt32BE(1);
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    const reply = { type: packet[0] ?? 0, body: packet.subarray(5) };
    if (reply.type === type.status && reply.body.readUInt32BE(0) !== statusOk) {
      waiting?.reject(new Error(field(reply.body.subarray(4)).toString('utf8')));
    } else {
      waiting?.resolve(reply);
    }
  }

  #joined(): Buffer {
    const bytes = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
    this.#keep(bytes);
    return bytes;
  }

  #keep(bytes: Buffer): void {
    this.#chunks = bytes.length === 0 ? [] : [bytes];
    this.#length = bytes.length;
  }
}

const ended = (): Error => new Error('The file service of the pod ended.');

/** Where the answer to the greeting begins, which no text holds: its length below 64 KiB, its type, the version. */
function greetingIn(bytes: Buffer): number | undefined {
  const rest = Buffer.from([type.version, 0, 0, 0, version]);
  for (let at = bytes.indexOf(rest, 4); at >= 0; at = bytes.indexOf(rest, at + 1)) {
    if (bytes[at - 4] === 0 && bytes[at - 3] === 0) {
      return at - 4;
    }
  }
  return undefined;
}

function attributesIn(body: Buffer): FileAttributes {
  const flags = body.readUInt32BE(0);
  let at = 4;
  const size = (flags & 1) === 0 ? 0 : Number(body.readBigUInt64BE(at));
  at += (flags & 1) === 0 ? 0 : 8;
  at += (flags & 2) === 0 ? 0 : 8;
  const mode = (flags & 4) === 0 ? 0 : body.readUInt32BE(at);
  return { size, isFolder: (mode & 0o170000) === 0o040000 };
}

/** The bytes of a field whose length stands before it. */
function field(body: Buffer): Buffer {
  return body.subarray(4, 4 + body.readUInt32BE(0));
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

function prefixed(bytes: Buffer): Buffer {
  return Buffer.concat([uint32(bytes.length), bytes]);
}

const text = (value: string): Buffer => prefixed(Buffer.from(value));
