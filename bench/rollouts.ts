import type { DeploymentReport } from "@belay/core";
import {
  announceCommit,
  type CliRun,
  openShop,
  plainCompose,
  requestLoop,
  runCli,
  type ShopStage,
  waitForAnswer,
  waitUntil,
} from "@belay/testkit";
import type { Figure } from "./measure.ts";

/** The shop on Compose: what a good and a bad release cost, beside `docker compose up -d`. Stable window 0, drain 2 s. */
export async function rollouts(): Promise<Figure[]> {
  await using shop = await openShop();
  const good = await deploy(shop, "Open the shop", "succeeded");
  await waitForAnswer(shop.url);
  const loop = requestLoop({ url: shop.url });
  await shop.repository.commit("Greet climbers", "web/shop.mjs", ["the shop", "the climbers' shop"]);
  const better = await deploy(shop, "Greet climbers", "succeeded");
  const fault = 'throw new Error("broken");\n\nserver.listen(8080';
  await shop.repository.commit("Break it", "web/server.mjs", ["server.listen(8080", fault]);
  const broken = await deploy(shop, "Break it", "rolled_back");
  await shop.repository.commit("Mend it", "web/server.mjs", [fault, "server.listen(8080"]);
  await shop.repository.commit("Fall ill", "web/server.mjs", [
    'response.end("ok\\n");',
    "response.writeHead(500).end();",
  ]);
  await deploy(shop, "Fall ill", "rolled_back");
  succeeded(await runCli(shop, "rollback", { args: ["--to", "previous", "--stable", "0"] }));
  const { sent } = loop.counts();
  await waitUntil("one more second of requests", () => loop.counts().sent > sent + 200, { withinMs: 30_000 });
  const requests = await loop.stop();
  const plain = await plainCompose(shop, imageOf(good), imageOf(better));
  return [
    { what: "good release, 3 replicas, from plan to proven", value: better.durationMs / 1_000, unit: "s" },
    {
      what: "release that crashes at start, from plan to the old one proven",
      value: broken.durationMs / 1_000,
      unit: "s",
    },
    {
      what: "of that, from the verdict to the old one proven",
      value: (broken.restoreMs ?? Number.NaN) / 1_000,
      unit: "s",
    },
    {
      what: `requests lost of ${requests.sent} during a good release, bad ones, and a way back by hand`,
      value: requests.lost,
      unit: "requests lost",
      limit: 0,
      today: { tool: `docker compose up -d, of ${plain.sent}`, value: plain.lost },
    },
  ];
}

async function deploy(shop: ShopStage, title: string, outcome: string): Promise<DeploymentReport> {
  await announceCommit(shop, title);
  const built = await runCli(shop, "build");
  const { folder } = succeeded(built);
  succeeded(await runCli(shop, "push", { folder }));
  const { report, stderr } = await runCli(shop, "deploy", { folder, args: ["--stable", "0"] });
  if (report !== undefined && "outcome" in report && report.outcome === outcome) return report;
  throw new Error(`${title} did not end as ${outcome}: ${stderr}`);
}

function succeeded(run: CliRun): CliRun {
  if (run.exitCode === 0) return run;
  throw new Error(`belay ended with exit code ${run.exitCode}: ${run.stderr}`);
}

function imageOf(report: DeploymentReport): string {
  const image = report.running.find((service) => service.service === "web")?.image;
  if (image === undefined) throw new Error("the report names no running web");
  return image;
}
