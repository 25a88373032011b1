/**
 * What Node is told in the measurements of memory: by itself it takes of a large machine what it has to spare before it looks
 * for garbage. Within this Belay has to do.
 */
export const SMALL_HEAP: readonly string[] = ["--max-old-space-size=160", "--max-semi-space-size=8"];
