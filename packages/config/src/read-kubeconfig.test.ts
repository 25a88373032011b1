import { describe, expect, it } from "vitest";
import { messageOf } from "./example.fixture.ts";
import { settings } from "./settings.fixture.ts";

const TOKEN = "a-token-that-nobody-may-see";
const KUBECONFIG = `apiVersion: v1
kind: Config
clusters: [{ name: c, cluster: { server: "https://127.0.0.1:6443" } }]
users: [{ name: u, user: { token: ${TOKEN} } }]
`;
const ALONE = { image: "ghcr.io/acme/shop", service: "web", target: "kubernetes", application: "shop" };
const resolve = (inputs: Record<string, string>, onSecret: (value: string) => void = () => undefined) =>
  settings(undefined, { ...ALONE, ...inputs }, { environment: "staging", onSecret });

describe("the input kubeconfig-data", () => {
  it.each([
    ["as it is", KUBECONFIG],
    ["in base64", Buffer.from(KUBECONFIG).toString("base64")],
    [
      "in base64 with line breaks",
      Buffer.from(KUBECONFIG)
        .toString("base64")
        .replace(/(.{76})/g, "$1\n"),
    ],
  ])("is taken %s, and its credentials are told", (_name, given) => {
    const seen: string[] = [];
    const { target } = resolve({ "kubeconfig-data": given }, (value) => seen.push(value));
    expect(target).toMatchObject({ kind: "kubernetes", kubeconfigText: expect.stringContaining("kind: Config") });
    expect(seen).toEqual([given.trim(), TOKEN]);
  });

  it.each(["hunter2", "clusters: {", "{}", Buffer.from("clusters: x").toString("base64")])(
    "refuses %j without showing it",
    (given) => {
      const message = messageOf(() => resolve({ "kubeconfig-data": given }));
      expect(message).toContain("input `kubeconfig-data`: it is no kubeconfig. Legal values:");
      expect(message).not.toContain(given);
    },
  );

  it("does not go together with a path", () => {
    const both = { kubeconfig: "a", "kubeconfig-data": KUBECONFIG };
    expect(messageOf(() => resolve(both))).toContain("it was given together with the input `kubeconfig`.");
  });
});
