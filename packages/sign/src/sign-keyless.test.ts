import { type Digest, systemClock } from "@belay/core";
import type { RegistryClient } from "@belay/registry";
import { createTestLog } from "@belay/testkit";
import { expect, it } from "vitest";
import { signKeyless } from "./index.ts";

it("tells what went wrong, also where an address is none", async () => {
  const registry = { manifest: async () => ({}) } as unknown as RegistryClient;
  const signing = signKeyless({
    ...{ registry, repository: "registry.example/web", digest: `sha256:${"ab".repeat(32)}` as Digest },
    ...{ fulcioUrl: "nowhere", rekorUrl: "nowhere either", token: async () => "no token" },
    ...{ clock: systemClock, log: createTestLog() },
  });
  const next = "Look whether nowhere and nowhere either can be reached and trust this issuer.";
  await expect(signing).rejects.toMatchObject({ code: "PUSH_FAILED", got: expect.stringMatching(/token/), next });
});
