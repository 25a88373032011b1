import { createRunner, Redactor, systemClock } from "@belay/core";
import { createTestLog, startGitHub } from "@belay/testkit";
import { expect, it } from "vitest";
import { attestationsAtGitHub } from "./attestations-at-github.ts";

it("an answer without attestations does not claim that there are none", async () => {
  const github = await startGitHub({ tokens: [{ token: "ghs_test", permissions: { attestations: "read" } }] });
  const redactor = new Redactor();
  const context = {
    workingDirectory: "/",
    env: { GITHUB_API_URL: github.apiUrl },
    log: createTestLog(redactor),
    redactor,
    runner: createRunner(redactor),
    clock: systemClock,
    runName: "test",
    signal: new AbortController().signal,
  };
  const identity = "https://github.com/acme/shop/.github/workflows/deploy.yml@refs/heads/main";
  const whose = { identity, issuer: "https://token.actions.githubusercontent.com" };
  try {
    const ask = attestationsAtGitHub(context, "ghs_test", whose);
    const note = "GitHub showed none for it in acme/shop: there is none, or this token may not see that repository";
    expect(await ask?.(`sha256:${"ab".repeat(32)}`)).toEqual({ bundles: [], note });
    github.fail({ path: /attestations/, fault: { status: 404 } });
    expect(await ask?.(`sha256:${"ab".repeat(32)}`)).toEqual({ bundles: [], note });
  } finally {
    await github.close();
  }
});
