import { BelayError, oneLine, plainText } from "@belay/core";
import type { Builder } from "./builder.ts";

/** What buildx calls its own two steps before a build (buildx, `Bootstrap` of its drivers). */
const STEP = /^ > \[internal\] (?:booting buildkit|waiting for connection):/m;

/**
 * The error of a build that never began, because buildx's builder did not start or does not answer; `undefined` for any
 * other. `doing`: what it was needed for.
 */
export function explainBuilderFailure(
  { name, driver }: Builder,
  doing: string,
  output: string,
): BelayError | undefined {
  const text = plainText(output);
  if (driver === undefined || !STEP.test(text)) return undefined;
  const said = [...text.matchAll(/^ERROR: (?:failed to build: )?(.+)$/gm)].at(-1)?.[1] ?? "it does not say why";
  const which = name === undefined ? "" : ` ${name}`;
  const failed = driver === "remote" ? "does not answer" : "did not start";
  return new BelayError("BUILD_FAILED", {
    doing,
    got: `the builder${which} (driver ${driver}) ${failed}: ${oneLine(said, 500)}`,
    next: `\`docker buildx inspect --bootstrap${which}\` tries it alone. ${REMEDIES[driver] ?? ""}`.trimEnd(),
  });
}

const REMEDIES: Readonly<Record<string, string>> = {
  "docker-container":
    "Look at its image and its options; the log of its container (`docker ps --all`, `docker logs`) tells why BuildKit ended.",
  kubernetes:
    "Look at its image, namespace and options; `kubectl describe pods` there tells why its pods are not ready.",
  remote: "See that BuildKit runs there and that this machine reaches it.",
};
