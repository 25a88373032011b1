import { expect, it } from "vitest";
import type { KubernetesObject } from "../kubernetes-object.ts";
import { type Page, readPages } from "./read-pages.ts";

const pod = (name: string): KubernetesObject => ({ apiVersion: "v1", kind: "Pod", metadata: { name } });

it("reads page after page, takes each object once, and goes on from the version of the list", async () => {
  const pages: Record<string, Page> = {
    "": { metadata: { resourceVersion: "7", continue: "b" }, items: [pod("1"), pod("2")] },
    b: { metadata: { resourceVersion: "7", continue: "c" }, items: null },
    c: { metadata: { resourceVersion: "7", continue: "" }, items: [pod("3")] },
  };
  const asked: (string | undefined)[] = [];
  const list = await readPages(
    async (place) => {
      asked.push(place);
      return pages[place ?? ""] as Page;
    },
    (item) => ({ ...item, kept: true }),
  );
  expect(asked).toEqual([undefined, "b", "c"]);
  expect(list).toEqual({ resourceVersion: "7", items: ["1", "2", "3"].map((name) => ({ ...pod(name), kept: true })) });
});
