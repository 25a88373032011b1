import { describe, expect, it } from "vitest";
import { podSpecOf } from "../pod-spec.ts";
import { DIGEST, manifestsOf, releaseOf } from "../testing/sample-manifests.ts";
import { pinImages, type ServicePlace } from "./pin-images.ts";

const WEB = "ghcr.io/acme/shop-web";
const PINNED = `${WEB}@${DIGEST}`;
const workload = (kind: string, name: string, ...containers: string[]) =>
  `---\napiVersion: apps/v1\nkind: ${kind}\nmetadata: { name: ${name} }\nspec: { template: { spec: { containers: [${containers.join(", ")}] } } }\n`;
const container = (name: string, image: string) => `{ name: ${name}, image: "${image}" }`;

function pin(text: string, places: Readonly<Record<string, ServicePlace>> = {}, services = { web: WEB }) {
  const { manifests, findings } = pinImages(manifestsOf(text), releaseOf(services), places);
  const images = manifests.map(({ body }) =>
    (podSpecOf(body)?.containers ?? []).map(({ name, image }) => `${name}=${image}`).join(" "),
  );
  return { images, findings, services: manifests.map(({ service }) => service) };
}

describe("images of the release", () => {
  it.each<[string, string, Readonly<Record<string, ServicePlace>>, string]>([
    [
      "the only container of the workload of the same name",
      workload("Deployment", "web", container("app", "web")),
      {},
      `app=${PINNED}`,
    ],
    [
      "the container with the same repository",
      workload("Deployment", "web", container("proxy", `envoy@${DIGEST}`), container("app", `${WEB}:main`)),
      {},
      `proxy=envoy@${DIGEST} app=${PINNED}`,
    ],
    [
      "the container with the service's name",
      workload("StatefulSet", "web", container("web", "x"), container("log", `busybox@${DIGEST}`)),
      {},
      `web=${PINNED} log=busybox@${DIGEST}`,
    ],
    [
      "the container that belay.yaml names",
      workload("Deployment", "web", container("a", `x@${DIGEST}`), container("b", "y")),
      { web: { container: "b" } },
      `a=x@${DIGEST} b=${PINNED}`,
    ],
    [
      "the workload that belay.yaml names",
      workload("DaemonSet", "front", container("a", "x")),
      { web: { workload: "daemonset/front" } },
      `a=${PINNED}`,
    ],
    [
      "a workload of another name with its repository",
      workload("Deployment", "front", container("a", `${WEB}:1`)),
      {},
      `a=${PINNED}`,
    ],
  ])("go into %s", (_name, text, places, images) => {
    expect(pin(text, places)).toEqual({ images: [images], findings: [], services: ["web"] });
  });

  it("also go into init containers and Jobs with the same repository, but the service stays one workload", () => {
    const text =
      workload("Job", "migrate", container("a", `${WEB}:main`)) + workload("Deployment", "front", container("b", WEB));
    expect(pin(text)).toEqual({ images: [`a=${PINNED}`, `b=${PINNED}`], findings: [], services: [undefined, "web"] });
    const init = `apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { template: { spec: { containers: [${container("web", "x")}], initContainers: [${container("i", `${WEB}:1`)}] } } }`;
    const { manifests } = pinImages(manifestsOf(init), releaseOf({ web: WEB }), {});
    expect(manifests.map(({ body }) => podSpecOf(body)?.initContainers)).toEqual([[{ name: "i", image: PINNED }]]);
  });

  it("leave others alone, and say what is not pinned", () => {
    const text =
      workload("Deployment", "web", container("web", "x")) +
      workload("Deployment", "cache", container("redis", "redis:7"));
    const { images, findings } = pin(text);
    expect(images).toEqual([`web=${PINNED}`, "redis=redis:7"]);
    expect(findings).toMatchObject([
      { level: "warn", check: "image_not_pinned", message: expect.stringContaining("redis:7") },
    ]);
  });

  it.each<[string, string, Readonly<Record<string, ServicePlace>>, string, string]>([
    [
      "no workload",
      workload("Deployment", "api", container("a", `x@${DIGEST}`)),
      {},
      "workload_missing",
      "no workload is called web",
    ],
    [
      "another kind than belay.yaml says",
      workload("Deployment", "web", container("a", `x@${DIGEST}`)),
      { web: { workload: "statefulset/web" } },
      "workload_missing",
      "statefulset/web",
    ],
    [
      "two workloads of the name",
      workload("Deployment", "web", container("a", `x@${DIGEST}`)) +
        workload("StatefulSet", "web", container("a", `x@${DIGEST}`)),
      {},
      "workload_ambiguous",
      "deployment/web, statefulset/web",
    ],
    [
      "two workloads with the image",
      workload("Deployment", "a", container("a", WEB)) + workload("Deployment", "b", container("a", WEB)),
      {},
      "workload_ambiguous",
      "deployment/a, deployment/b",
    ],
    [
      "two containers that could be it",
      workload("Deployment", "web", container("a", `x@${DIGEST}`), container("b", `y@${DIGEST}`)),
      {},
      "container_unknown",
      "Containers: a, b.",
    ],
    [
      "a container that is not there",
      workload("Deployment", "web", container("a", `x@${DIGEST}`)),
      { web: { container: "c" } },
      "container_unknown",
      "Containers: a.",
    ],
  ])("are refused with %s", (_name, text, places, check, message) => {
    expect(pin(text, places).findings).toMatchObject([
      {
        level: "refuse",
        check,
        service: "web",
        message: expect.stringContaining(message),
        remedy: expect.stringContaining("belay.yaml"),
      },
    ]);
  });

  it("do not change what was given", () => {
    const given = manifestsOf(workload("Deployment", "web", container("a", "x")));
    const before = structuredClone(given);
    pinImages(given, releaseOf({ web: WEB }), {});
    expect(given).toEqual(before);
  });
});
