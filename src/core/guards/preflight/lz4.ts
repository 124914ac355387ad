/** Unpacks one block of LZ4, as parquet's LZ4_RAW has it. */
export function lz4Block(input: Uint8Array, size: number): Uint8Array {
  const output = new Uint8Array(size);
  let [at, to] = [0, 0];
  const more = (length: number): number => {
    if (length < 15) {
      return length;
    }
    let byte = 255;
    while (byte === 255) {
      byte = input[at++] ?? 0;
      length += byte;
    }
    return length;
  };
  while (at < input.length) {
    const token = input[at++] ?? 0;
    const literals = more(token >> 4);
    if (at + literals > input.length || to + literals > size) {
      throw new Error('a block of LZ4 is damaged');
    }
    output.set(input.subarray(at, at + literals), to);
    at += literals;
    to += literals;
    if (at >= input.length) {
      break;
    }
    const back = (input[at] ?? 0) | ((input[at + 1] ?? 0) << 8);
    at += 2;
    const length = more(token & 15) + 4;
    if (back === 0 || back > to || to + length > size) {
      throw new Error('a block of LZ4 is damaged');
    }
    for (let i = 0; i < length; i++) {
      output[to] = output[to - back] ?? 0;
      to += 1;
    }
  }
  return output.subarray(0, to);
}

/** The older form, in frames of Hadoop with the sizes of each block before it, or without them. */
export function lz4Hadoop(input: Uint8Array, size: number): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const parts: Uint8Array[] = [];
  let [at, made] = [0, 0];
  while (at + 8 <= input.length && made < size) {
    const [whole, packed] = [view.getUint32(at), view.getUint32(at + 4)];
    if (packed === 0 || at + 8 + packed > input.length || made + whole > size) {
      return lz4Block(input, size);
    }
    parts.push(lz4Block(input.subarray(at + 8, at + 8 + packed), whole));
    made += whole;
    at += 8 + packed;
  }
  return at === input.length && made === size ? Buffer.concat(parts) : lz4Block(input, size);
}
