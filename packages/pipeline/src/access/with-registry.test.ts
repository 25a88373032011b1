import type { Settings } from "@belay/config";
import { expect, it } from "vitest";
import { engineAskedForAll } from "./with-registry.ts";

const compose = (place: object): Settings["target"] => ({
  ...{ kind: "compose", project: "shop", files: [], directory: "/shop" },
  ...place,
});
const kubernetes: Settings["target"] = { kind: "kubernetes", files: [] };
const far = [compose({ host: "ssh://deploy@shop.example" }), compose({ context: "far" })];

it.each([
  ["nobody where there is no target", [], undefined],
  ["no engine for a cluster", [kubernetes], "never"],
  ["one that answers for an engine elsewhere", far, "if it answers"],
  ["the engine that is the target", [compose({})], "always"],
  ["whatever one of several targets wants", [compose({}), ...far, kubernetes], "always"],
  ["one that answers where a cluster is beside", [...far, kubernetes], "if it answers"],
] as const)("asks %s which registries are insecure", (_, targets, asked) => {
  expect(engineAskedForAll(targets.map((target) => ({ target })))).toBe(asked);
});
