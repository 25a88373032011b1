import type { Ledger, OpenDeployment } from "./ledger.ts";
import type { Holder } from "./records.ts";

/** Whose turn it is. */
export type Turn =
  | { readonly kind: "free"; readonly highest: number }
  | { readonly kind: "alive"; readonly open: readonly OpenDeployment[] }
  | DeadTurn;

/** The open deployments, newest first, showed no life for long enough. */
export interface DeadTurn {
  readonly kind: "dead";
  readonly open: readonly OpenDeployment[];
  readonly highest: number;
  /** The newest one's last beat that was seen. */
  readonly beat: number;
  /** Only its CI says that it is over: no life has passed without a beat. */
  readonly mayLive: boolean;
}

export interface TurnOptions {
  /** `return`: as soon as a sign of life is seen. `wait`: until it is dead or done. */
  readonly onAlive: "wait" | "return";
  /** After this long the turn is `alive`, whatever `onAlive` says. Milliseconds. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  readonly random: () => number;
  readonly isOver?: (holder: Holder) => Promise<boolean>;
  readonly isGone?: (holder: Holder) => Promise<boolean>;
  /** Told of each live holder that it waits for, once; awaited. The place to ask it to stop. */
  readonly onWaiting?: (open: OpenDeployment) => void | Promise<void>;
}

/** What was seen last of the newest open deployment, and since when nothing else. */
interface Sign {
  readonly mark: string;
  readonly since: number;
  /** How many different marks were seen: more than one is a sign of life. */
  readonly changes: number;
  /** When its run was last asked for. */
  readonly askedAt: number | undefined;
}

/**
 * Waits until nobody holds the environment, or whoever does is dead: for one life no new beat came, measured on this
 * machine's monotonic clock from the answer that showed the last one. No two machines' clocks are compared.
 *
 * @throws the signal's reason, or the store's error.
 */
export async function awaitTurn(ledger: Ledger, options: TurnOptions): Promise<Turn> {
  const { clock, lifeMs } = ledger;
  const beganAt = clock.now();
  let sign: Sign | undefined;
  let told: number | undefined;
  for (;;) {
    options.signal.throwIfAborted();
    const askedAt = clock.now();
    const listing = await ledger.list();
    const open = await ledger.findOpen(listing);
    const [newest] = open;
    if (newest === undefined) return { kind: "free", highest: listing.highest };
    const beat = listing.numbers.get(newest.deployment)?.beat ?? 0;
    sign = nextSign(sign, JSON.stringify([newest.deployment, beat]), clock.now());
    const dead = { kind: "dead", open, highest: listing.highest, beat } as const;
    if (askedAt - sign.since >= lifeMs) return { ...dead, mayLive: false };
    const end = await knownEnd(newest, sign, options, clock.now(), lifeMs);
    if (end !== undefined) return { ...dead, mayLive: end === "over" };
    if (told !== newest.deployment) {
      told = newest.deployment;
      await options.onWaiting?.(newest);
    }
    if (sign.askedAt === undefined || clock.now() - sign.askedAt >= lifeMs / 3)
      sign = { ...sign, askedAt: clock.now() };
    const waited = clock.now() - beganAt >= options.patienceMs;
    if (waited || (options.onAlive === "return" && sign.changes > 1)) return { kind: "alive", open };
    await clock.sleep((lifeMs / 12) * (0.5 + options.random()), options.signal);
  }
}

function nextSign(before: Sign | undefined, mark: string, now: number): Sign {
  if (before?.mark === mark) return before;
  return { mark, since: now, changes: (before?.changes ?? 0) + 1, askedAt: before?.askedAt };
}

/** The CI is asked at first sight and then three times per life, not at every look. */
async function knownEnd(
  newest: OpenDeployment,
  sign: Sign,
  options: TurnOptions,
  now: number,
  lifeMs: number,
): Promise<"gone" | "over" | undefined> {
  const due = sign.askedAt === undefined || now - sign.askedAt >= lifeMs / 3;
  if (!due || newest.begin === undefined) return undefined;
  const { holder } = newest.begin;
  if (await options.isGone?.(holder)) return "gone";
  return (await options.isOver?.(holder)) ? "over" : undefined;
}
