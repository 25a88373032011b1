/**
 * Writes the reference documentation from what the code and the action files say. Run with `npm run docs`; a test fails
 * when a page is not what this would write.
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { actionSection, parseAction } from "./docs/action-section.ts";
import { configurationPart, type Schema } from "./docs/configuration-part.ts";
import { insertGenerated, newPage } from "./docs/markdown.ts";
import { trivyInputsPart } from "./docs/trivy-inputs-part.ts";
import { causesPart, exitCodesPart } from "./docs/vocabulary-pages.ts";
import { PERMISSIONS } from "./permissions.ts";
import { pinnedFiles, pinsIn } from "./pin.ts";

/** A page and what of it is generated. `opening` is used only when the page does not exist yet. */
interface Page {
  readonly path: string;
  readonly title: string;
  readonly opening: string;
  readonly part: string;
}

/** See {@link actionSection}; per folder under `actions/`. */
const EXAMPLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  trivy: { "image-ref": "ghcr.io/acme/shop:main" },
};

/** Every page with generated text, as it should be: path from the root, and the whole text. */
export async function generateDocs(root: string): Promise<Map<string, string>> {
  const pages = [...(await actionPages(root)), ...(await referencePages(root))];
  const texts = pages.map(async (page): Promise<[string, string]> => {
    const written = await readIfThere(join(root, page.path));
    return [page.path, insertGenerated(written ?? newPage(page.title, page.opening), page.part)];
  });
  return new Map(await Promise.all(texts));
}

async function actionPages(root: string): Promise<Page[]> {
  const pin = await currentPin(root);
  const entries = await readdir(join(root, "actions"), { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const pages = folders.sort().map(async (folder): Promise<Page> => {
    const isRoot = folder === "belay";
    const text = await readFile(join(root, isRoot ? "action.yml" : `actions/${folder}/action.yml`), "utf8");
    const action = parseAction(text);
    const permissions = PERMISSIONS[folder];
    if (permissions === undefined) throw new Error(`scripts/permissions.ts says nothing about actions/${folder}`);
    const uses = `belay-deploy/belay${isRoot ? "" : `/actions/${folder}`}@${pin}`;
    const section = actionSection(action, uses, permissions, EXAMPLES[folder]);
    return {
      path: isRoot ? "docs/reference/belay.md" : `actions/${folder}/README.md`,
      title: action.name,
      opening: action.description,
      part: [section, ...(folder === "trivy" ? [trivyInputsPart()] : [])].join("\n\n"),
    };
  });
  return Promise.all(pages);
}

async function referencePages(root: string): Promise<Page[]> {
  const schema = JSON.parse(await readFile(join(root, "docs/belay.schema.json"), "utf8")) as Schema;
  return [
    {
      path: "docs/reference/exit-codes.md",
      title: "Exit codes and outcomes",
      opening: "How a run can end. The command line ends with the code; actions set both as outputs before they fail.",
      part: exitCodesPart(),
    },
    {
      path: "docs/reference/causes.md",
      title: "Causes",
      opening: "Why an outcome is what it is.",
      part: causesPart(),
    },
    {
      path: "docs/reference/configuration.md",
      title: "belay.yaml",
      opening: "One file describes an application and the environments it runs in.",
      part: configurationPart(schema),
    },
  ];
}

/** What the examples name, so that pages and examples never differ. */
async function currentPin(root: string): Promise<string> {
  for (const path of pinnedFiles(root).filter((one) => one.startsWith("examples/"))) {
    const [pin] = pinsIn(await readFile(join(root, path), "utf8"));
    if (pin !== undefined) return pin;
  }
  throw new Error("no example names the suite's commit");
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

if (import.meta.main) {
  const root = resolve(import.meta.dirname, "..");
  for (const [path, text] of await generateDocs(root)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
    console.log(path);
  }
}
