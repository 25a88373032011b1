import { type DeploymentReport, Redactor } from "@belay/core";
import { renderMarkdown, SAMPLE_REPORTS } from "@belay/testkit";
import { describe, expect, it } from "vitest";
import { finalStatus, readDescription, writeDescription } from "../deployment-facts.ts";
import { renderComment } from "./render-comment.ts";
import { renderSummary } from "./render-summary.ts";

const context = { redactor: new Redactor() };

function rollback(more: Partial<DeploymentReport["rollback"] & object> = {}): DeploymentReport {
  return { ...SAMPLE_REPORTS.succeeded, rollback: { to: 9, by: "ada", reason: "prices are wrong", ...more } };
}

describe("a rollback by hand", () => {
  it.each([
    ["comment", renderComment],
    ["summary", renderSummary],
  ] as const)("says in the %s that it is one, to what, by whom and why", (_, render) => {
    const text = render(rollback(), context);
    expect(text.split("\n")[0]).toBe("### 🟢 shop → staging: Rolled back to deployment 9, healthy");
    expect(text).toContain("**Rollback by hand** to deployment 9");
    expect(text).toContain("asked for by ada: prices are wrong");
    expect(render(SAMPLE_REPORTS.succeeded, context)).not.toContain("Rollback by hand");
  });

  it("shows what somebody typed as text, of a bounded length", () => {
    const reason = `<img src=x> **bold** @acme [click](https://evil.test)\n\n# Title ${"x".repeat(2_000)}`;
    const html = renderMarkdown(renderComment(rollback({ reason, by: "<b>eve</b>" }), context));
    expect(html).not.toMatch(/<img|<strong>bold|<b>eve|href="https:\/\/evil|<h1/);
    expect(renderComment(rollback({ reason }), context)).not.toContain("x".repeat(600));
  });

  it("is told by the GitHub deployment's status", () => {
    const status = finalStatus(rollback());
    expect(status).toEqual({ state: "success", words: "Rolled back to deployment 9, healthy" });
    const read = readDescription(writeDescription(status.words, "shop", 12));
    expect(read).toEqual({ application: "shop", words: status.words, deployment: 12 });
  });
});
