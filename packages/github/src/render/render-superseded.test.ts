import { type DeploymentReport, type Digest, Redactor } from "@belay/core";
import { renderMarkdown, SAMPLE_REPORTS } from "@belay/testkit";
import { describe, expect, it } from "vitest";
import { finalStatus } from "../deployment-facts.ts";
import { renderComment } from "./render-comment.ts";

const context = { redactor: new Redactor() };
const NEXT = {
  repository: "https://github.com/acme/shop",
  revision: "d".repeat(40),
  title: "Cheaper <b>checkout</b>",
  pullRequest: 34,
};

function superseded(more: Partial<DeploymentReport> = {}): DeploymentReport {
  return {
    ...SAMPLE_REPORTS.rolled_back,
    evidence: [],
    outcome: "superseded",
    cause: { cause: "superseded", detail: "run 43.deploy.x, attempt 1 on runner-3, which deploys commit dddddddddddd" },
    previous: { deployment: 11, release: `sha256:${"0".repeat(64)}` satisfies Digest },
    supersededBy: { run: "43.deploy.x", source: NEXT },
    ...more,
  };
}

describe("a deployment that was superseded", () => {
  it("names what it gave way to, and is no failure of the release", () => {
    const text = renderComment(superseded(), context);
    expect(text.split("\n")[0]).toBe("### ⚪ shop → staging: Superseded by another deployment");
    expect(text).toContain(
      "gave way before it was proven, which says nothing against it. Deployment 11 was proven healthy.",
    );
    const html = renderMarkdown(text);
    expect(html).toMatch(/<strong>Superseded by<\/strong> <a href="https:\/\/github.com\/acme\/shop\/commit\/d{40}"/);
    expect(html).toContain('<a href="https://github.com/acme/shop/pull/34"');
    expect(html).not.toContain("<b>checkout");
    expect(text).not.toMatch(/Cause|Likely|\[!/);
  });

  it("names a rollback by hand, and who asked for it", () => {
    const by = "ada <img src=x>";
    const text = renderComment(
      superseded({ supersededBy: { run: "9", source: NEXT, rollback: { to: 11, by } } }),
      context,
    );
    expect(text).toContain("**Superseded by** a rollback to deployment 11 (");
    expect(renderMarkdown(text)).not.toContain("<img");
  });

  it("claims nothing of the target when it left it to the next run", () => {
    const text = renderComment(superseded({ running: [] }), context);
    expect(text).toContain("gave way to another deployment and changes nothing any more.");
    expect(text).toContain("**Superseded by**");
  });

  it("leaves the GitHub deployment inactive", () => {
    expect(finalStatus(superseded()).state).toBe("inactive");
  });
});
