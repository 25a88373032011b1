/**
 * `npm run demo`: the example shop on a Docker engine of its own, three commits under load: good, better, broken.
 * Leaves `out/demo/comment.md`, `.html` and `.png`: the comment on the pull request as it would look.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
  BelayError,
  type DeploymentReport,
  describeCause,
  type FailureReport,
  formatDuration,
  isBelayError,
} from "@belay/core";
import {
  announceCommit,
  type LoopResult,
  openShop,
  plainCompose,
  type RequestLoop,
  renderPage,
  requestLoop,
  runCli,
  SHOP_PULL_REQUEST,
  type ShopStage,
  type TrivyAtHand,
  trivyAtHand,
  waitForAnswer,
  waitUntil,
} from "@belay/testkit";
import { takePicture } from "./picture.ts";

const OUT = resolve(import.meta.dirname, "../out/demo");

/** Trivy is built once, which takes ten minutes: whoever has no time for it goes without. */
const SCAN = !process.argv.includes("--no-scan");

const BOLD = process.stdout.isTTY === true && !process.env.NO_COLOR;

const say = (text: string): void => void process.stdout.write(`\n${BOLD ? `\u001b[1m${text}\u001b[0m` : text}\n`);

async function demo(): Promise<boolean> {
  say("Setting the stage: a Docker engine, a registry, a GitHub simulator");
  await using shop = await openShop();
  const trivy = SCAN ? await trivyAtHand(shop.temporary.path) : undefined;

  say("1. A good commit: the first deployment ever");
  const good = await release(shop, trivy, "Open the shop");
  if (good.outcome !== "succeeded") throw stop(`the first deployment ended as "${good.outcome}"`);
  await waitForAnswer(shop.url);

  say("2. A better commit, while 200 requests a second come in (each a new connection, none repeated)");
  const loop = requestLoop({ url: shop.url });
  // Stopped whatever happens: its process would keep this one alive.
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => void (await loop.stop()));
  await shop.repository.commit("Greet climbers", "web/shop.mjs", [
    "Welcome to the shop",
    "Welcome to the climbers' shop",
  ]);
  const better = await release(shop, trivy, "Greet climbers");
  tellRequests(loop);

  say("3. A broken commit: it crashes when it starts");
  const fault = 'throw new Error("cannot read the price list: /data/prices.json is missing");\n\nserver.listen(8080';
  await shop.repository.commit("Read prices from a file", "web/server.mjs", ["server.listen(8080", fault]);
  const broken = await release(shop, trivy, "Read prices from a file");
  tellRequests(loop);
  const { sent } = loop.counts();
  await waitUntil("one more second of requests", () => loop.counts().sent > sent + 200, { withinMs: 30_000 });
  const requests = await loop.stop();

  say("The same change of image by `docker compose up -d`, under the same requests");
  const plain = await plainCompose(shop, imageOf(good), imageOf(better));

  await writeComment(shop);
  return summarise([good, better, broken], requests, plain);
}

/** Builds, tests, scans, pushes and deploys the commit that is checked out, with its progress on this terminal. */
async function release(shop: ShopStage, trivy: TrivyAtHand | undefined, title: string): Promise<DeploymentReport> {
  await announceCommit(shop, title);
  const scanner = trivy === undefined ? {} : { ...trivy.env, PATH: `${trivy.path}:${process.env.PATH}` };
  const { report } = await runCli(shop, "run", { scan: SCAN, show: true, env: { ...colourChoice(), ...scanner } });
  if (isDeployment(report)) return report;
  throw stop(`nothing was deployed: ${report?.message ?? "no report was written"}`);
}

/** What ends the demo early, in a sentence: what went wrong stands in the output above it. */
function stop(got: string): BelayError {
  const next = "The output above tells why.";
  return new BelayError("PROCESS_FAILED", { doing: "running the demo", got, next });
}

function tellRequests(loop: RequestLoop): void {
  const { sent, lost } = loop.counts();
  console.log(`  requests so far: ${sent} sent, ${lost} lost`);
}

/** The command line gets an environment of its own; whether people want colours goes along. */
function colourChoice(): Record<string, string> {
  const { NO_COLOR } = process.env;
  return NO_COLOR ? { NO_COLOR } : {};
}

function isDeployment(report: DeploymentReport | FailureReport | undefined): report is DeploymentReport {
  return report !== undefined && "outcome" in report;
}

function imageOf(report: DeploymentReport): string {
  const image = report.running.find((service) => service.service === "web")?.image;
  if (image === undefined) throw stop("the report names no running web");
  return image;
}

async function writeComment(shop: ShopStage): Promise<void> {
  const [comment] = shop.github.comments(SHOP_PULL_REQUEST);
  if (comment === undefined) throw stop("no comment was written on the pull request");
  await mkdir(OUT, { recursive: true });
  const page = join(OUT, "comment.html");
  const picture = join(OUT, "comment.png");
  await writeFile(join(OUT, "comment.md"), comment.body);
  await writeFile(page, renderPage(comment.body));
  const taken = await takePicture(page, picture);
  say(
    `The comment on the pull request: ${page}${taken ? `\nand its picture: ${picture}` : " (no picture: Chromium is not installed)"}`,
  );
}

/** The end in a few lines; `false` when something is not as promised. */
function summarise(reports: readonly DeploymentReport[], requests: LoopResult, plain: LoopResult): boolean {
  const lines = reports.map((report) => {
    const cause = report.cause === undefined ? "" : `, ${describeCause(report.cause)}`;
    const back = report.restoreMs === undefined ? "" : `, back in ${formatDuration(report.restoreMs)}`;
    return `  deployment ${report.deployment}: ${report.outcome} in ${formatDuration(report.durationMs)}${cause}${back}`;
  });
  say(["What happened:", ...lines].join("\n"));
  console.log(`  requests during a good and a broken release by Belay: ${requestsLine(requests)}, 0 lost expected`);
  console.log(`  requests during one docker compose up -d:             ${requestsLine(plain)}`);
  const outcomes = reports.map((report) => report.outcome).join();
  return outcomes === "succeeded,succeeded,rolled_back" && requests.lost === 0;
}

function requestsLine({ sent, lost, seconds }: LoopResult): string {
  return `${sent} sent, ${lost} lost (${Math.round(sent / seconds)} a second over ${formatDuration(seconds * 1_000)})`;
}

try {
  if (!(await demo())) {
    console.error("\nThis is not what the demo promises. Please report it with the output above.");
    process.exitCode = 1;
  }
} catch (error) {
  // Such as: not root, or a tool is missing. Anything else is a defect, and its stack is wanted.
  if (!isBelayError(error)) throw error;
  console.error(`\n${error.message}`);
  process.exitCode = 1;
}
