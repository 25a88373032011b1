import { writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { findProgram, programFolders } from "@belay/testkit";
import { chromium } from "playwright-core";

/** Flags for a browser in a container of a closed network: without them it asks Google's hosts at its start. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Takes a picture of a page; `false` where no Chromium is installed. */
export async function takePicture(page: string, picture: string): Promise<boolean> {
  const executablePath = await findBrowser();
  if (executablePath === undefined) return false;
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  try {
    const tab = await browser.newPage({ viewport: { width: 920, height: 600 }, deviceScaleFactor: 2 });
    await tab.goto(pathToFileURL(page).href);
    await writeFile(picture, await tab.screenshot({ fullPage: true }));
    return true;
  } finally {
    await browser.close();
  }
}

async function findBrowser(): Promise<string | undefined> {
  const found = await Promise.all(
    ["chromium", "chromium-browser", "google-chrome"].map((name) => findProgram(name, programFolders())),
  );
  return found.find((path) => path !== undefined);
}
