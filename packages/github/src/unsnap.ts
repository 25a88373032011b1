/** Larger than any attestation; checked before anything is unpacked. */
export const MOST_BYTES = 16 * 1024 * 1024;

/**
 * Unpacks a Snappy block (google/snappy, `format_description.txt`), as GitHub's storage serves attestations.
 * @throws Error for what is none, or says that it is larger than 16 MiB
 */
export function unsnap(packed: Uint8Array): Buffer {
  const source = new Source(packed);
  const length = source.varint();
  if (length > MOST_BYTES) throw new Error(`it would be ${length} bytes unpacked, more than ${MOST_BYTES}`);
  const target = Buffer.alloc(length);
  let end = 0;
  while (!source.isAtEnd()) {
    const tag = source.number(1);
    const part = (tag & 3) === 0 ? source.take(literalLength(source, tag)) : undefined;
    const { size, offset } = part === undefined ? copyOf(source, tag) : { size: part.length, offset: 0 };
    if (end + size > length || (part === undefined && (offset === 0 || offset > end))) throw broken();
    if (part !== undefined) target.set(part, end);
    // Byte for byte: a copy may overlap what it makes.
    else for (let at = end; at < end + size; at++) target[at] = target[at - offset] ?? 0;
    end += size;
  }
  if (end !== length) throw broken();
  return target;
}

function literalLength(source: Source, tag: number): number {
  const short = tag >> 2;
  return (short < 60 ? short : source.number(short - 59)) + 1;
}

function copyOf(source: Source, tag: number): { readonly size: number; readonly offset: number } {
  if ((tag & 3) === 1) return { size: ((tag >> 2) & 7) + 4, offset: ((tag >> 5) << 8) + source.number(1) };
  return { size: (tag >> 2) + 1, offset: source.number((tag & 3) === 2 ? 2 : 4) };
}

class Source {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  take(size: number): Buffer {
    if (this.#at + size > this.#bytes.length) throw broken();
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }

  /** Little-endian. */
  number(size: number): number {
    return this.take(size).readUIntLE(0, size);
  }

  /** At most 32 bits. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.number(1);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw broken();
  }
}

function broken(): Error {
  return new Error("it is no Snappy block");
}
