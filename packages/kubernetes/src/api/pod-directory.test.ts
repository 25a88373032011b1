import { expect, test } from "vitest";
import type { Pod } from "../observe/pod.ts";
import { PodDirectory } from "./pod-directory.ts";

const pod = (uid: string, podIP?: string): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: `web-${uid}`, uid },
  spec: { containers: [{ name: "web" }] },
  status: podIP === undefined ? {} : { podIP },
});

const hasAddress = ({ status }: Pod): boolean => status?.podIP !== undefined;

test("pods are listed once for all who ask, and again for one that is not known or not far enough", async () => {
  let lists = 0;
  let pods = [pod("a", "10.0.0.1"), pod("b")];
  const directory = new PodDirectory(async () => {
    lists += 1;
    return pods;
  });
  expect(await Promise.all(["a", "b", "a"].map((uid) => directory.find(uid)))).toEqual([pods[0], pods[1], pods[0]]);
  expect(await directory.find("a", hasAddress)).toEqual(pods[0]);
  expect(lists).toBe(1);
  pods = [pod("b", "10.0.0.2"), pod("c")];
  expect(await directory.find("b", hasAddress)).toEqual(pods[0]);
  expect(lists).toBe(2);
  expect(await directory.find("c")).toEqual(pods[1]);
  expect(lists).toBe(2);
  expect(await directory.find("a")).toBeUndefined();
});
