import { messageOf } from "@belay/core";

/** Ends well also where what is to be removed is there no more: a run tidies its records itself, at any moment. */
export async function unlessGone(removal: Promise<unknown>): Promise<void> {
  await removal.catch((error: unknown) => {
    if (!/not found|no such/i.test(messageOf(error))) throw error;
  });
}
