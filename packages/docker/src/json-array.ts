const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d];

/** A member of a list may be as large. */
const MEMBER_LIMIT = 16 * 1024 * 1024;

/**
 * The members of a JSON array of objects, each as text, while the array is still being read: a list of ten thousand tasks
 * is never in memory as a whole. Throws a `SyntaxError` for what is no such array, or ends before it does.
 */
export async function* jsonArray(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const scan = new Scan();
  let rest: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    let from = 0;
    for (const end of scan.ends(chunk)) {
      rest.push(chunk.subarray(from, end));
      const text = Buffer.concat(rest).toString("utf8");
      yield text.slice(text.indexOf("{"));
      rest = [];
      length = 0;
      from = end;
    }
    length += chunk.length - from;
    if (length > MEMBER_LIMIT) throw new SyntaxError("a member of the list is too large");
    if (from < chunk.length) rest.push(chunk.subarray(from));
  }
  const outside = Buffer.concat(rest).toString("utf8").trim();
  if (scan.depth !== 0 || !(scan.members > 0 ? outside === "]" : ["[]", "null"].includes(outside.replace(/\s/g, "")))) {
    throw new SyntaxError("this is no whole list of objects");
  }
}

/** Follows the nesting of JSON through chunks, as far as strings and brackets tell it. */
class Scan {
  depth = 0;
  members = 0;
  #inString = false;
  #escaped = false;

  /** Where members of the outermost list end in this chunk. */
  *ends(chunk: Buffer): Generator<number> {
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) this.#inString = false;
      } else if (byte === QUOTE) this.#inString = true;
      else if (byte === OPEN || byte === OPEN_LIST) this.depth++;
      else if (byte === CLOSE || byte === CLOSE_LIST) {
        this.depth--;
        if (this.depth === 1 && byte === CLOSE) {
          this.members++;
          yield at + 1;
        }
      }
    }
  }
}
