/** Links between the pages lead somewhere, and the workflow that people copy from the README is a right one. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { createRunner, Redactor } from "@belay/core";
import { installActionlint, temporaryFolder } from "@belay/testkit";
import MarkdownIt from "markdown-it";
import { expect, it } from "vitest";
import { projectFiles, readText } from "./source-files.ts";

const markdown = new MarkdownIt();

function linksOf(text: string): string[] {
  return markdown.parse(text, {}).flatMap((block) =>
    (block.children ?? []).flatMap((token) => {
      const target = token.attrGet(token.type === "image" ? "src" : "href");
      return target === null ? [] : [String(target)];
    }),
  );
}

/** Anchors that GitHub makes for headings: lower case, spaces to hyphens, most punctuation gone. */
function anchorsOf(text: string): Set<string> {
  const tokens = markdown.parse(text, {});
  const titles = tokens.flatMap((token, at) => (token.type === "heading_open" ? [tokens[at + 1]?.content ?? ""] : []));
  return new Set(
    titles.map((title) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replace(/\s/g, "-"),
    ),
  );
}

/** Why a link of a page leads nowhere, or nothing. */
function deadLink(page: string, link: string, files: ReadonlySet<string>): string | undefined {
  if (/^[a-z]+:/.test(link)) return undefined;
  const [path = "", anchor] = decodeURI(link).split("#");
  const target = path === "" ? page : normalize(join(dirname(page), path));
  const isFolder = [...files].some((file) => file.startsWith(`${target}/`));
  if (!files.has(target) && !isFolder) return `${page}: ${link}`;
  if (anchor !== undefined && target.endsWith(".md") && !anchorsOf(readText(target)).has(anchor)) {
    return `${page}: ${link} (no such heading)`;
  }
  return undefined;
}

it("lets every link between pages lead somewhere", () => {
  const files = new Set(projectFiles("*"));
  const pages = [...files].filter((path) => path.endsWith(".md") && !path.startsWith("test/fixtures/"));
  const dead = pages.flatMap((page) => linksOf(readText(page)).flatMap((link) => deadLink(page, link, files) ?? []));
  expect(dead).toEqual([]);
  expect(deadLink("README.md", "docs/no-such-page.md", files)).toBe("README.md: docs/no-such-page.md");
  expect(deadLink("README.md", "CONTRIBUTING.md#no-such-heading", files)).toContain("no such heading");
});

it("shows workflows in the README that actionlint accepts, every action pinned", async () => {
  const workflows = markdown
    .parse(readText("README.md"), {})
    .filter((token) => token.type === "fence" && token.content.includes(".github/workflows/"))
    .map((token) => token.content);
  expect(workflows.length).toBeGreaterThan(0);
  await using folder = await temporaryFolder();
  const run = createRunner(new Redactor());
  for (const [index, text] of workflows.entries()) {
    for (const [, ref = ""] of text.matchAll(/uses: [\w./-]+@(\S+)/g)) expect(ref).toMatch(/^[0-9a-f]{40}$/);
    const path = join(folder.path, ".github/workflows", `${index}.yml`);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    const { stdout } = await run(await installActionlint(), ["-no-color", path], { allowedExitCodes: [1] });
    expect(stdout).toBe("");
  }
});
