import { type LoopResult, requestLoop, waitForAnswer, waitUntil } from "@belay/testkit";
import type { ApplicationStand } from "../../test/contract/stand.ts";
import type { VariantName } from "../../test/contract/variants.ts";
import type { Figure } from "../measure.ts";
import { DeployProgram } from "./deploy-program.ts";

const PER_SECOND = 200;

/** An application that serves to its end, with what stands before it. */
export interface Served {
  readonly title: string;
  readonly app: ApplicationStand;
  /** Where its users ask. */
  readonly url: string;
  /** Releases that are taken off again. */
  readonly bad: readonly VariantName[];
  readonly tool: string;
  /** When that is ended, which may wait for minutes until it gives up a bad release. */
  readonly patienceMs: number;
  /** The engine's own way back to what it ran before. */
  readonly undo: () => Promise<unknown>;
}

/** Requests that users lose during releases by Belay, and during the same ones by the engine's own command line. */
export async function lostRequestFigure(served: Served): Promise<Figure> {
  const { title, app, url, bad, tool, patienceMs, undo } = served;
  await waitForAnswer(url);
  await using belay = await DeployProgram.open(app);
  const own = await lostDuring(url, async () => {
    await belay.deployTo("succeeded", { web: "good2" });
    for (const variant of bad) await belay.deployTo("rolled_back", { web: variant });
    await belay.deployTo("succeeded", { web: "good3" });
    await belay.rollBack();
  });
  const plain = await lostDuring(url, async () => {
    const release = (variant: VariantName) => app.hand.attempt("web", variant, patienceMs);
    for (const variant of ["good4", ...bad, "good5"] as const) await release(variant);
    await undo();
  });
  return {
    what: `${title}: requests lost of ${own.sent}, good and bad releases, a way back by hand`,
    value: own.lost,
    unit: "requests lost",
    limit: 0,
    today: { tool: `${tool}, of ${plain.sent}`, value: plain.lost },
  };
}

/** Each over a new connection and without retries, from two seconds before to two seconds after. */
async function lostDuring(url: string, work: () => Promise<void>): Promise<LoopResult> {
  const loop = requestLoop({ url, perSecond: PER_SECOND, timeoutMs: 20_000 });
  // Stopped whatever happens: its process would keep this one alive.
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => void (await loop.stop()));
  const twoMoreSeconds = (): Promise<void> => {
    const { sent } = loop.counts();
    return waitUntil("two seconds of requests", () => loop.counts().sent > sent + 2 * PER_SECOND, { withinMs: 30_000 });
  };
  await twoMoreSeconds();
  await work();
  await twoMoreSeconds();
  return await loop.stop();
}
