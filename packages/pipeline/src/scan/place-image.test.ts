import { BelayError, type ErrorCode, sha256 } from "@belay/core";
import { expect, it } from "vitest";
import { placeImage } from "./place-image.ts";

const IMAGE = { repository: "a.invalid/web", platforms: { "linux/amd64": { config: sha256("config") } }, tags: ["x"] };

/** Looks for an image of an engine, or with `digest` of a registry, of which neither can be asked. */
function placeWithout(code: ErrorCode, digest?: `sha256:${string}`) {
  const none = async (): Promise<never> => {
    throw new BelayError(code, { doing: "asking", got: "it said no", next: "Do this." });
  };
  const sources = { docker: none, registries: none, insecure: async () => false, platforms: [] };
  const image = { ...IMAGE, ...(digest === undefined ? {} : { digest }) };
  return placeImage({ ...sources, releasePath: "/nowhere/release.json" }, "web", image);
}

it.each([
  "ENGINE_UNREACHABLE",
  "ENGINE_FORBIDDEN",
  "ENGINE_TLS",
  "ENGINE_HOST_KEY",
  "ENGINE_TOO_OLD",
  "ENGINE_ERROR",
  "TOOL_MISSING",
  "TOOL_TOO_OLD",
  "TIMED_OUT",
] as const)("an engine that can't be used (%s) is a scan that did not happen, with what to do", async (code) => {
  expect(await placeWithout(code)).toEqual({
    obstacle: code === "TIMED_OUT" ? "timed_out" : "unreachable",
    message: "looking for the image of web: it said no. Do this.",
  });
});

it.each(["REGISTRY_UNREACHABLE", "REGISTRY_ERROR", "REGISTRY_UNAUTHORISED", "TOOL_MISSING", "PROCESS_FAILED"] as const)(
  "so is a registry that can't be used (%s)",
  async (code) => {
    const obstacle = code === "REGISTRY_UNAUTHORISED" ? "unauthorised" : "unreachable";
    expect(await placeWithout(code, sha256("image"))).toMatchObject({ obstacle });
  },
);

it.each(["INVALID_INPUT", "CANCELLED"] as const)("%s is not", async (code) => {
  await expect(placeWithout(code)).rejects.toMatchObject({ code });
});
