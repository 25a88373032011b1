import { BelayError, isBelayError, messageOf } from "@belay/core";

/** What says nothing of an image, but of the disk that it is read from or written to. */
const OF_DISKS: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EIO"]);

/**
 * The error of a disk, in the words of what to do about it.
 * @param places what was written
 * @returns `undefined` for all other errors
 */
export function diskFailure(error: unknown, doing: string, places: readonly string[]): BelayError | undefined {
  const reason = isBelayError(error) ? error.cause : error;
  if (!(reason instanceof Error && "code" in reason && OF_DISKS.has(reason.code))) return undefined;
  const next = `Make room on the disk of ${places.join(" and of ")}, or see to it, and run this again.`;
  return new BelayError("BUILD_FAILED", { doing, got: messageOf(reason), next, cause: error });
}
