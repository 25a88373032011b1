export interface OutputChunk {
  readonly stream: "stdout" | "stderr";
  readonly bytes: Buffer;
}

const HEADER = 8;

/**
 * Takes the engine's multiplexed stream apart (API: "ContainerAttach, stream format"): frames of one byte for the
 * stream (0 stdin, 1 stdout, 2 stderr), three zero bytes, the length in four bytes big-endian, and the payload.
 * Throws when what comes is no such stream, or ends inside a frame.
 */
export async function* frames(stream: AsyncIterable<Uint8Array>): AsyncGenerator<OutputChunk> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER) {
      const kind = rest.readUInt8(0);
      if (kind > 2) throw new Error(`the engine's output stream has an unknown frame of kind ${kind}`);
      const end = HEADER + rest.readUInt32BE(4);
      if (rest.length < end) break;
      yield { stream: kind === 2 ? "stderr" : "stdout", bytes: rest.subarray(HEADER, end) };
      rest = rest.subarray(end);
    }
  }
  if (rest.length > 0) throw new Error("the engine's output stream ended inside a frame");
}

/** A terminal's stream has no frames: all of it is stdout. */
export async function* rawFrames(stream: AsyncIterable<Uint8Array>): AsyncGenerator<OutputChunk> {
  for await (const chunk of stream) yield { stream: "stdout", bytes: Buffer.from(chunk) };
}
