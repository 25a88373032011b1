import {
  type Finding,
  NOTHING_PROVEN,
  type Observation,
  type Release,
  type RolloutPolicy,
  releaseDigest,
} from "@belay/core";
import { lookOnly } from "../way/look-only.ts";
import { type AskedPorts, type BeforeChange, illBefore, messageFor } from "../way-back/nothing-to-go-back-to.ts";

/** How long the look at what runs may take, in milliseconds. */
const LOOK_MS = 5_000;

/**
 * What a plan says beforehand to people who would count on the way back: no release has been proven here yet, and what runs is not
 * right. Nothing where that is otherwise, or can't be told. Changes nothing.
 */
export async function nothingProvenFinding(
  ports: AskedPorts,
  asked: Pick<BeforeChange, "before" | "plan"> & { readonly release: Release; readonly policy: RolloutPolicy },
): Promise<Finding | undefined> {
  const { before, plan, release, policy } = asked;
  const asIf = { release: releaseDigest(release), policy };
  const look = (): Promise<Observation> => lookOnly(ports.target, plan, asIf, AbortSignal.timeout(LOOK_MS));
  const ill = await illBefore(ports, { before, plan, look });
  const changing = plan.services.filter(({ action, service }) => action !== "unchanged" && ill.includes(service));
  if (changing.length === 0) return undefined;
  const services = changing.map(({ service }) => service);
  const [service] = services;
  const where = services.length === 1 && service !== undefined ? { service } : {};
  const message = messageFor(before?.deployment, services);
  return { level: "warn", check: NOTHING_PROVEN, ...where, message, remedy: remedyOf(policy) };
}

function remedyOf({ onFailure, onFirstFailure }: RolloutPolicy): string {
  if (onFailure === "keep") return "If it fails, it stays (on-failure: keep).";
  return onFirstFailure === "keep"
    ? "If it fails in that, it stays, as a first one does (on-first-failure: keep)."
    : "If it fails in that, what runs now comes back, no better than it is.";
}
