import { describe, expect, it } from "vitest";
import { dropPath } from "./drop-path.ts";

const object = () => ({
  metadata: { annotations: { "belay.dev/release": "x", belay: "y" }, finalizers: ["a/b", "c"] },
  spec: {
    replicas: 3,
    containers: [
      {
        name: 'we"b',
        image: "a",
        ports: [
          { containerPort: 80, protocol: "TCP" },
          { containerPort: 80, protocol: "UDP" },
        ],
      },
      { name: "b.c[0]", image: "b" },
    ],
  },
});

describe("a conflict's field", () => {
  it.each<[string, (left: ReturnType<typeof object>) => void]>([
    [".spec.replicas", ({ spec }) => void delete (spec as { replicas?: number }).replicas],
    [
      ".metadata.annotations.belay.dev/release",
      ({ metadata }) => void delete (metadata.annotations as { "belay.dev/release"?: string })["belay.dev/release"],
    ],
    ['.metadata.finalizers[="a/b"]', ({ metadata }) => void metadata.finalizers.shift()],
    [
      '.spec.containers[name="we\\"b"].image',
      ({ spec }) => void delete (spec.containers[0] as { image?: string }).image,
    ],
    ['.spec.containers[name="b.c[0]"]', ({ spec }) => void spec.containers.pop()],
    [
      '.spec.containers[name="we\\"b"].ports[containerPort=80,protocol="UDP"]',
      ({ spec }) => void spec.containers[0]?.ports?.pop(),
    ],
    [".spec.containers[1]", ({ spec }) => void spec.containers.pop()],
  ])("%s is taken out", (path, take) => {
    const [dropped, expected] = [object(), object()];
    take(expected);
    expect(dropPath(dropped, path)).toBe(true);
    expect(dropped).toEqual(expected);
  });

  it.each([
    ".spec.none",
    '.spec.containers[name="none"].image',
    ".spec.containers[x",
    ".metadata.annotations.belay.dev",
    "",
  ])("%j is not there", (path) => {
    const dropped = object();
    expect(dropPath(dropped, path)).toBe(false);
    expect(dropped).toEqual(object());
  });
});
