import { describe, expect, it } from "vitest";
import { servingRevision } from "./read-running.ts";
import { container, EXITED, madeBy } from "./testing/containers.ts";

const named = { shop_default: { Aliases: ["web"] } };
const hidden = { shop_default: { Aliases: ["shop-web-9"] } };
const ids = (...all: ReturnType<typeof container>[]) => servingRevision("web", all).map(({ id }) => id);

describe("the revision that serves", () => {
  const [old, fresh] = [madeBy("s", 1, "old"), madeBy("s", 2, "new")];
  const olds = ["1", "2"].map((id) => container(id, { labels: old, networks: named }));

  it("is not what a failed deployment left without the service's name, however sound", () => {
    const left = ["3", "4", "5"].map((id) => container(id, { labels: fresh, networks: hidden }));
    expect(ids(...olds, ...left)).toEqual(["1", "2"]);
    expect(ids(...left)).toEqual(["3", "4", "5"]);
  });

  it("is the one with more ready containers where both have the name", () => {
    const state = { Status: "restarting", Restarting: true } as const;
    const ill = ["3", "4", "5"].map((id) => container(id, { labels: fresh, networks: named, state }));
    expect(ids(...olds, ...ill)).toEqual(["1", "2"]);
    const [dead] = [container("1", { labels: old, networks: named, state: EXITED })];
    expect(ids(dead, container("3", { labels: fresh, networks: named }))).toEqual(["3"]);
  });
});
