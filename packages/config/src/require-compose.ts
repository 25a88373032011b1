import { BelayError } from "@belay/core";
import type { ComposeTarget, TargetSettings } from "./settings.ts";

/**
 * The target when this version can deploy to it. Settings of other engines are read and checked all the same, so that
 * one belay.yaml may describe them all.
 * @throws BelayError INVALID_INPUT
 */
export function requireCompose(target: TargetSettings, environment: string): ComposeTarget {
  if (target.kind === "compose") return target;
  throw new BelayError("INVALID_INPUT", {
    doing: `preparing the deployment to \`${environment}\``,
    got: `its target is ${target.kind}, and this version of Belay can't deploy to it yet`,
    next: "Legal values of `target`: compose.",
  });
}
