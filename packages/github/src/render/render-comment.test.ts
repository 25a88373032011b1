import { type DeploymentReport, Redactor } from "@belay/core";
import { renderMarkdown, SAMPLE_PLAN, SAMPLE_REPORTS } from "@belay/testkit";
import { describe, expect, it } from "vitest";
import type { EnvironmentRow } from "../github.ts";
import { renderComment } from "./render-comment.ts";
import type { RenderContext } from "./render-context.ts";
import { renderPlan } from "./render-plan.ts";
import { renderSummary } from "./render-summary.ts";

const production: EnvironmentRow = {
  environment: "production",
  state: "success",
  outcome: "succeeded",
  description: "Deployed and healthy",
  commit: "41d05c0f9e8d7c6b5a49382716050f1e2d3c4b5a",
  deployment: 31,
  since: "2026-11-21T09:30:02Z",
  runUrl: "https://github.com/acme/shop/actions/runs/4100",
};
const context: RenderContext = {
  redactor: new Redactor(),
  runUrl: "https://github.com/acme/shop/actions/runs/4242",
  pullRequest: { number: 7 },
  environments: [production],
};

const HEADLINES = {
  succeeded: "### 🟢 shop → staging: Deployed and healthy",
  rolled_back: "### 🟠 shop → staging: Rolled back",
  refused: "### ⚪ shop → staging: Refused, nothing was touched",
  failed: "### 🔴 shop → staging: Failed, and not taken back",
  rollback_failed: "### 🔴 shop → staging: Rollback failed, needs a person",
  build_failed: "### 🔴 shop → staging: Build failed",
  tests_failed: "### 🔴 shop → staging: Tests failed",
} as const satisfies Record<keyof typeof SAMPLE_REPORTS, string>;

describe("renderComment", () => {
  it.each(Object.entries(HEADLINES))("begins with the outcome in words: %s", (name, headline) => {
    const report = SAMPLE_REPORTS[name as keyof typeof HEADLINES];
    expect(renderComment(report, context).split("\n")[0]).toBe(headline);
    expect(renderSummary(report, context).split("\n")[0]).toBe(headline);
  });

  it("tells the cause with its evidence, and what runs now", () => {
    const text = renderComment(SAMPLE_REPORTS.rolled_back, context);
    expect(text).toContain(
      "**Cause:** `crash_loop` in `web`, a container crashed again and again after it started: exit code 1.",
    );
    expect(text).toContain(
      "Deployment 12 was taken off again, 1.8 s after it was found bad. Deployment 11 (commit `41d05c0f9e8d`) was proven healthy.",
    );
    expect(text).toContain("**Evidence** from `shop-web-4` · exit code 1");
    expect(text).toContain("Error: CHECKOUT_URL is not set");
    expect(text).toMatch(/\| `web` \| 3\/3 \| .*41d05c0f9e8d.* \| 11 \|/);
    expect(text).toContain("docker compose -p shop logs --tail 100 web");
  });

  it.each([
    ["failed", "failed and was left in place: no release has been proven here yet"],
    ["unverified", "was taken off again. What ran before was put back, and was not right before either"],
  ] as const)("says of one that %s why, where no release has been proven yet", (outcome, lead) => {
    const nothing = { level: "warn", check: "nothing_proven", message: "there is nothing to go back to" } as const;
    const report = { ...SAMPLE_REPORTS.rolled_back, outcome };
    expect(renderComment({ ...report, findings: [nothing] }, context)).toContain(lead);
    expect(renderComment(report, context)).not.toContain(lead);
  });

  it("never says that all of it was taken off where some of it is still there", () => {
    const message = "still there beside what was put back of web: shop-web-5";
    const findings = [
      { level: "warn", check: "nothing_proven", message: "there is nothing to go back to" },
      { level: "warn", check: "still_there", service: "web", message },
    ] as const;
    const report = { ...SAMPLE_REPORTS.rolled_back, outcome: "unverified", findings } as const;
    const text = renderComment(report, context);
    expect(text).toContain("was to be taken off again, and not all of it is off. What ran before was put back");
    expect(text).toContain("**It is still there beside what was put back of web: shop\\-web\\-5.**");
    expect(text).not.toContain("was taken off again");
    const successor = { run: "7", source: report.release.source };
    const superseded = { ...report, outcome: "superseded", supersededBy: successor } as const;
    expect(renderComment(superseded, context)).toContain("still there beside what was put back of web");
  });

  it("names what stays behind, unfolded and apart from what was found before", () => {
    const before = SAMPLE_REPORTS.succeeded.findings;
    const message = "the container shop-web-1 stays behind: device or resource busy.";
    const left = { level: "warn", check: "left_behind", message, remedy: "Remove it: docker rm shop-web-1" } as const;
    const text = renderComment({ ...SAMPLE_REPORTS.succeeded, findings: [...before, left] }, context);
    const [shown = ""] = text.split("<details>");
    expect(shown).toContain("**Left behind**\n\n- the container shop\\-web\\-1 stays behind: device or resource busy.");
    expect(shown).toContain("docker rm shop\\-web\\-1");
    expect(text.match(/Preflight findings \((\d+)\)/)?.[1]).toBe(before.length === 0 ? undefined : `${before.length}`);
    expect(renderComment(SAMPLE_REPORTS.succeeded, context)).not.toContain("Left behind");
  });

  it("shows what the reports of the tests count", () => {
    const { stages } = SAMPLE_REPORTS.succeeded;
    const counted = stages.map((one) =>
      one.name === "test" ? { ...one, detail: "web (212 passed, 3 skipped), worker" } : one,
    );
    const html = renderMarkdown(renderComment({ ...SAMPLE_REPORTS.succeeded, stages: counted }, context));
    expect(html).toContain("web (212 passed, 3 skipped), worker");
  });

  it("has a row for this environment and for the others", () => {
    const text = renderComment(SAMPLE_REPORTS.rolled_back, {
      ...context,
      environments: [production, { ...production, environment: "staging" }],
    });
    const rows = text.split("\n").filter((line) => /^\| (\[`staging`\]|`production`)/.test(line));
    expect(rows[0]).toContain("🟢 Deployed and healthy");
    expect(rows[1]).toContain("🟠 Rolled back: crash\\_loop in web");
    expect(rows).toHaveLength(2);
  });

  it("is loud only when a person must act", () => {
    expect(renderComment(SAMPLE_REPORTS.rollback_failed, context)).toContain(
      "> [!CAUTION]\n> Deployment 12 failed, **and the way back failed too.",
    );
    expect(renderComment(SAMPLE_REPORTS.rolled_back, context)).not.toContain("[!");
  });

  it("says what should run when the way back failed", () => {
    const text = renderComment(SAMPLE_REPORTS.rollback_failed, context);
    const old = SAMPLE_REPORTS.rollback_failed.changes[0]?.from?.digests[0]?.slice("sha256:".length, 19);
    expect(text).toContain(
      `**What should run**\n\n| Service | Should run |\n| --- | --- |\n| \`web\` | 3 × \`sha256:${old}\` |`,
    );
    expect(renderComment(SAMPLE_REPORTS.rolled_back, context)).not.toContain("What should run");
  });

  it("says of a label that it is only a label", () => {
    const [service] = SAMPLE_REPORTS.succeeded.running;
    if (service === undefined) throw new Error("the sample has no service");
    const { release: _release, ...labelled } = service;
    expect(renderComment({ ...SAMPLE_REPORTS.succeeded, running: [labelled] }, context)).toContain("by its label");
  });

  it("shows a refusal's findings first, those that refuse on top", () => {
    const text = renderComment(SAMPLE_REPORTS.refused, context);
    expect(text.indexOf("`image_missing`")).toBeLessThan(text.indexOf("`no_healthcheck`"));
    expect(text.indexOf("`no_healthcheck`")).toBeLessThan(text.indexOf("**What runs now**"));
  });
});

describe("outside text in a report", () => {
  const evil = "@everyone #1 </details><script>x</script> ``` [a](javascript:x) <img src=x onerror=y> | `";
  const report: DeploymentReport = {
    ...SAMPLE_REPORTS.rolled_back,
    environment: evil,
    likelyCause: evil,
    cause: { cause: "crash_loop", service: evil, detail: evil },
    release: {
      ...SAMPLE_REPORTS.rolled_back.release,
      source: { ...SAMPLE_REPORTS.rolled_back.release.source, title: evil, author: evil, ref: evil },
    },
    findings: [{ level: "warn", check: evil, service: evil, message: evil, remedy: evil }],
    evidence: [1, 2].map((number) => ({
      service: evil,
      instance: `${evil}${number}`,
      healthOutput: evil,
      logLines: ["```", evil, "~~~", "</details>", "::error::x"],
      events: [evil],
      unknown: [evil],
    })),
    changes: SAMPLE_REPORTS.rolled_back.changes.map((change) => ({ ...change, service: evil, differences: [evil] })),
    notCovered: [evil],
    advice: [{ title: `${evil}\n\`\`\``, command: "```\n@everyone" }],
    stages: [{ name: "build", state: "passed", durationMs: 1, detail: evil }],
    running: SAMPLE_REPORTS.rolled_back.running.map((service) => ({
      ...service,
      service: evil,
      image: evil,
      since: evil,
      labelledCommit: evil,
    })),
  };

  it.each([renderComment, renderSummary])("fires no mention, link or tag (%o)", (render) => {
    const rendered = renderMarkdown(
      render(report, {
        ...context,
        environments: [{ ...production, environment: `${evil}2`, description: evil, commit: evil, since: evil }],
      }),
    );
    expect(rendered).not.toMatch(/user-mention|issue-link|<script|<img|javascript:[^<]*"/);
    expect(rendered.match(/<details/g)?.length).toBe(rendered.match(/<\/details>/g)?.length);
  });
});

describe("what does not fit", () => {
  const lines = Array.from({ length: 500 }, (_none, index) => `line ${index} ${"x".repeat(390)}`);
  const huge: DeploymentReport = {
    ...SAMPLE_REPORTS.rolled_back,
    evidence: Array.from({ length: 40 }, (_none, index) => ({
      service: "web",
      instance: `web-${index}`,
      logLines: lines,
      events: lines,
      unknown: [],
    })),
    running: Array.from({ length: 300 }, (_none, index) => ({
      ...(SAMPLE_REPORTS.succeeded.running[0] as DeploymentReport["running"][number]),
      service: `web-${index}`,
    })),
  };

  it("loses evidence first and the headline never", () => {
    for (const limit of [65_000, 20_000, 5_000, 600]) {
      const text = renderComment(huge, { ...context, limit });
      expect(text.length).toBeLessThanOrEqual(limit);
      expect(text).toMatch(/^### 🟠 shop → staging: Rolled back\n/);
      expect(text).toContain("**Cause:** `crash_loop`");
    }
    expect(Buffer.byteLength(renderSummary(huge, context))).toBeLessThan(1024 * 1024);
  });
});

describe("secrets", () => {
  it("are taken out before escaping changes them", () => {
    const redactor = new Redactor();
    redactor.add("s3cr_t*va|ue");
    const text = renderComment(
      { ...SAMPLE_REPORTS.rolled_back, likelyCause: "password s3cr_t*va|ue refused" },
      { ...context, redactor },
    );
    expect(text).not.toMatch(/s3cr|va\\?\|ue/);
    expect(text).toContain("password \\*\\*\\* refused");
  });
});

describe("renderPlan", () => {
  it("tells what would change, what was found and what the way back leaves out", () => {
    const text = renderPlan(SAMPLE_PLAN, { redactor: new Redactor() });
    expect(text).toContain("1 of 2 services would change.");
    expect(text).toContain("Unchanged: `cache`.");
    expect(text).toContain("the volume shop\\_data");
    expect(text).toMatch(/- `\w+` comes back as revision/);
    expect(renderPlan({ ...SAMPLE_PLAN, services: [] }, { redactor: new Redactor() })).toContain(
      "Nothing would change",
    );
    const refused = renderPlan(
      { ...SAMPLE_PLAN, findings: SAMPLE_REPORTS.refused.findings },
      { redactor: new Redactor() },
    );
    expect(refused).toContain("**This would be refused** (2 findings).");
  });

  it("shows what else would change, also where no service would", () => {
    const services = SAMPLE_PLAN.services.map((one) => ({ ...one, action: "unchanged" }) as const);
    const others = ["update service/web: spec.ports[80].targetPort", "remove ingress/<b>"];
    const text = renderPlan({ ...SAMPLE_PLAN, services, others }, { redactor: new Redactor() });
    expect(text).toContain("0 of 2 services would change, and 2 objects besides.");
    expect(text).toContain("- update service/web: spec.ports");
    expect(text).not.toContain("<b>");
    const comment = renderComment({ ...SAMPLE_REPORTS.succeeded, others }, context);
    expect(comment).toContain("Besides:\n\n- update service/web");
  });
});

describe("renderSummary", () => {
  it("tells what could not be reported", () => {
    const text = renderSummary(SAMPLE_REPORTS.succeeded, {
      ...context,
      deferred: ["Commenting: GitHub answered 403 <b>"],
    });
    expect(text).toContain("#### Not reported to GitHub\n\n- Commenting:");
    expect(text).not.toContain("<b>");
  });
});
