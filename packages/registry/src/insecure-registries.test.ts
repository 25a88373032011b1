import { expect, it } from "vitest";
import { insecureRegistries } from "./insecure-registries.ts";

const insecure = insecureRegistries({
  RegistryConfig: {
    InsecureRegistryCIDRs: ["127.0.0.0/8", "10.1.0.0/16"],
    IndexConfigs: { "docker.io": { Secure: true }, "registry.lan:5000": { Secure: false } },
  },
});

it.each([
  ["127.0.0.1:5000", true],
  ["127.8.9.1", true],
  ["localhost:5000", true],
  ["10.1.2.3:443", true],
  ["10.2.2.3", false],
  ["registry.lan:5000", true],
  ["registry.lan", false],
  ["docker.io", false],
  ["ghcr.io", false],
  ["127.0.0.1.example.org", false],
])("%s is insecure: %j", (registry, answer) => {
  expect(insecure(registry)).toBe(answer);
});

it("is loopback alone without an engine", () => {
  const plain = insecureRegistries();
  expect([plain("127.0.0.1:1"), plain("10.1.2.3"), plain("ghcr.io")]).toEqual([true, false, false]);
});
