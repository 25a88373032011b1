import { describe, expect, it } from "vitest";
import { renderMarkdown, renderPage } from "./page.ts";

describe("renderMarkdown", () => {
  it("links mentions, issues and addresses as GitHub does, but not in code", () => {
    expect(renderMarkdown("hi @ada and @acme/team, see #12")).toMatch(
      /user-mention.*@ada.*user-mention.*@acme\/team.*issue-link.*#12/,
    );
    expect(renderMarkdown("see www.shop.example and https://shop.example")).toMatch(
      /<a href="http:\/\/www\.shop.*<a href="https:/,
    );
    const inert = renderMarkdown("`@ada #12`\n\n```\n@ada www.shop.example\n```\n\n[@ada](https://x.example)");
    expect(inert).not.toMatch(/user-mention|issue-link|http:\/\/www/);
  });

  it("draws alerts and dots", () => {
    expect(renderMarkdown("> [!CAUTION]\n> Look **here**")).toContain('<div class="alert alert-caution">');
    expect(renderMarkdown("### 🟢 fine")).toContain('class="dot"');
  });
});

describe("renderPage", () => {
  it("is a whole page in the theme that was asked for", () => {
    const page = renderPage("# A", { theme: "dark", title: "<x>", author: "belay" });
    expect(page).toMatch(/^<!doctype html>\n<html lang="en" data-theme="dark">/);
    expect(page).toContain("<title>&#60;x&#62;</title>");
    expect(page).toContain("<h1>A</h1>");
  });
});
