import { expect, it } from "vitest";
import { chooseWay, describeWay } from "./choose-way.ts";

const classic = async () => ({ DriverStatus: [["Backing Filesystem", "extfs"]] as [string, string][] });
const containerd = async () => ({
  DriverStatus: [["driver-type", "io.containerd.snapshotter.v1"]] as [string, string][],
});
const none = async (): Promise<never> => {
  throw new Error("the engine was asked");
};

it.each([
  ["docker-container", none, "layout"],
  ["kubernetes", none, "layout"],
  ["remote", none, "layout"],
  ["cloud", none, "layout"],
  ["docker", containerd, "layout"],
  ["docker", classic, "engine"],
] as const)("with buildx and the driver %s", async (driver, engine, kind) => {
  const way = await chooseWay({ kind: "buildx", name: "mine", driver }, engine);
  expect(way.kind).toBe(kind);
  expect(describeWay(way)).toContain("the builder mine");
});

it("without buildx keeps the image in the engine, whatever its store", async () => {
  expect(await chooseWay({ kind: "legacy" }, classic)).toMatchObject({ kind: "engine" });
  expect(await chooseWay({ kind: "buildkit" }, containerd)).toMatchObject({ kind: "engine" });
});

it.each(["legacy", "buildkit", "buildx"] as const)(
  "tells why the engine that %s builds in can't be had",
  async (kind) => {
    const forbidden = async (): Promise<never> => {
      throw new Error("ssh refused the login");
    };
    await expect(chooseWay({ kind, name: "default", driver: "docker" }, forbidden)).rejects.toThrow("ssh refused");
  },
);
