import { LABELS } from "@belay/core";
import type { ServiceSpec, UpdateConfig } from "@belay/docker";
import { describe, expect, it } from "vitest";
import { layAside, withOwnUpdateConfig } from "./own-update-config.ts";

const MEANWHILE: UpdateConfig = { Parallelism: 1, FailureAction: "continue", Delay: 0 };
const spec = (own?: UpdateConfig): ServiceSpec => ({
  Name: "shop_web",
  Labels: { team: "shop" },
  TaskTemplate: {},
  ...(own === undefined ? {} : { UpdateConfig: own }),
});

describe("the user's own update settings", () => {
  it.each<[string, UpdateConfig | undefined]>([
    ["those that are set", { Parallelism: 2, FailureAction: "rollback", Delay: 10_000_000_000, Order: "start-first" }],
    ["none at all", undefined],
  ])("come back from the service itself: %s", (_name, own) => {
    const away = layAside(spec(own), MEANWHILE);
    expect(away.UpdateConfig).toEqual(MEANWHILE);
    expect(away.Labels).toMatchObject({ team: "shop" });
    expect(withOwnUpdateConfig(away)).toEqual(spec(own));
  });

  it("are the present ones where none are laid aside, or the label is somebody's text", () => {
    expect(withOwnUpdateConfig(spec(MEANWHILE))).toEqual(spec(MEANWHILE));
    for (const text of ["{", "7", "[]", '"rollback"']) {
      const odd = { ...spec(MEANWHILE), Labels: { team: "shop", [LABELS.updateConfig]: text } };
      expect(withOwnUpdateConfig(odd)).toEqual(spec(MEANWHILE));
    }
  });
});
