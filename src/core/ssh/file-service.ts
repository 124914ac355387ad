export interface FileAttributes {
  size: number;
  isFolder: boolean;
}

/** Files at the far end, one message a call. Calls reject with the server's words, or when the connection ends. */
export interface FileService {
  open(path: string, flags: number): Promise<Buffer>;
  close(handle: Buffer): Promise<void>;
  /** At most `length` bytes; rejects at the end of the file. */
  read(handle: Buffer, position: number, length: number): Promise<Buffer>;
  write(handle: Buffer, position: number, data: Buffer): Promise<void>;
  remove(path: string): Promise<void>;
  makeFolder(path: string): Promise<void>;
  /** The path as the server knows it. */
  realPath(path: string): Promise<string>;
  /** Of what the handle or the path leads to. */
  attributes(of: Buffer | string): Promise<FileAttributes>;
  onEnd(tell: () => void): void;
  /** Rejects every call that waits for an answer, and those to come: the library tells nothing when its connection ends. */
  abandon(): void;
}
