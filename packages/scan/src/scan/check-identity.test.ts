import type { Digest } from "@belay/core";
import { expect, it } from "vitest";
import { report } from "../report/report.fixture.ts";
import { checkIdentity } from "./check-identity.ts";

const A: Digest = `sha256:${"a".repeat(64)}`;
const B: Digest = `sha256:${"b".repeat(64)}`;

it.each([
  ["as asked for", { platform: "linux/amd64", imageId: A }, { platform: "linux/amd64", config: A }, true],
  ["of another platform", { platform: "linux/arm64" }, { platform: "linux/amd64" }, false],
  ["with a variant that its config leaves out", { platform: "linux/arm" }, { platform: "linux/arm/v7" }, true],
  ["of another variant", { platform: "linux/arm/v6" }, { platform: "linux/arm/v7" }, false],
  ["of the only variant of arm64", { platform: "linux/arm64" }, { platform: "linux/arm64/v8" }, true],
  ["with another config", { imageId: B }, { config: A }, false],
  ["without a config", {}, { config: A }, false],
  ["of a platform that only the report tells", { imageId: B }, { any: { "linux/amd64": { config: A } } }, false],
  ["under the name that the engine gave it", { imageId: B }, { config: A, id: B }, true],
  ["under another name than the engine's", { imageId: B }, { config: A, id: A }, false],
  ["that nobody expects anything of", { imageId: B }, { any: { "linux/arm64": { config: A } } }, true],
])("an image %s", (_what, scanned, expected, right) => {
  const check = () => checkIdentity(report([], scanned), expected, "scanning");
  if (right) expect(check).not.toThrow();
  else expect(check).toThrowError(expect.objectContaining({ obstacle: "wrong_image" }));
});
