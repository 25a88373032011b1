const LINE_LIMIT = 4 * 1024 * 1024;

/**
 * Values of a stream with one JSON value a line, as the engine's progress and event streams are.
 * Throws a `SyntaxError` for a line that is no JSON; an unfinished last line is one too.
 */
export async function* jsonLines(stream: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    rest += decoder.decode(chunk, { stream: true });
    if (rest.length > LINE_LIMIT) throw new SyntaxError("a line of the engine's stream is too long");
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.trim() !== "") yield JSON.parse(line);
    }
  }
  if (rest.trim() !== "") yield JSON.parse(rest);
}
