import {
  type DeploymentReport,
  type Digest,
  type Plan,
  pinnedReference,
  type Release,
  type ScanEvidence,
} from "@belay/core";
import { planJson } from "@belay/rollout";
import type { ActionContext } from "./run-action.ts";

/** Outputs of the build: the release's path, the commit, tags and images per service. */
export function setBuildOutputs(context: ActionContext, built: { release: Release; releasePath: string }): void {
  const services = Object.entries(built.release.services);
  context.output("release", built.releasePath);
  context.output("revision", built.release.source.revision);
  context.output("tags", JSON.stringify(Object.fromEntries(services.map(([name, image]) => [name, image.tags]))));
  const named = services.map(([name, image]) => [
    name,
    pinnedReference(image) ?? `${image.repository}:${image.tags[0]}`,
  ]);
  context.output("images", JSON.stringify(Object.fromEntries(named)));
}

/** Outputs of the scan: its result, counts per service, the database, and the folders of its reports. */
export function setScanOutputs(
  context: ActionContext,
  scanned: {
    readonly evidence: ScanEvidence;
    readonly releasePath: string;
    readonly files: Readonly<Partial<Record<"json" | "sarif" | "cyclonedx" | "spdx-json" | "github", string>>>;
  },
): void {
  const { evidence, files } = scanned;
  const counts = Object.entries(evidence.services).map(([name, { result, counts }]) => [name, { result, ...counts }]);
  context.output("release", scanned.releasePath);
  context.output("scan-result", evidence.result);
  context.output("scan-counts", JSON.stringify(Object.fromEntries(counts)));
  context.output("scan-database", evidence.database?.updatedAt ?? "");
  context.output("scan-reports", files.json ?? "");
  for (const format of ["sarif", "cyclonedx", "spdx"] as const) {
    context.output(format, files[format === "spdx" ? "spdx-json" : format] ?? "");
  }
}

/** Outputs of the push: the release's path and the pinned image per service. */
export function setPushOutputs(context: ActionContext, pushed: { release: Release; releasePath: string }): void {
  const images = Object.entries(pushed.release.services).map(
    ([name, image]) => [name, pinnedReference(image)] as const,
  );
  context.output("release", pushed.releasePath);
  context.output("images", JSON.stringify(Object.fromEntries(images)));
  const [only] = images;
  if (images.length === 1 && only?.[1] !== undefined) context.output("image", only[1]);
}

/** Outputs of the deployment, all of them read back from the target. */
export function setDeployOutputs(
  context: ActionContext,
  deployed: { report: DeploymentReport; reportPath: string; commentUrl?: string },
): void {
  const { report } = deployed;
  context.output("cause", report.cause?.cause ?? "");
  context.output("deployment", report.deployment === undefined ? "" : String(report.deployment));
  context.output("running", JSON.stringify(runningOutput(report)));
  context.output("report", deployed.reportPath);
  context.output("comment-url", deployed.commentUrl ?? "");
  context.output("url", report.url ?? "");
}

/** Outputs of a rollback: those of a deployment, and what was gone back to. */
export function setRollbackOutputs(context: ActionContext, done: Parameters<typeof setDeployOutputs>[1]): void {
  const { rollback, release } = done.report;
  setDeployOutputs(context, done);
  context.output("rolled-back-to", rollback === undefined ? "" : String(rollback.to));
  context.output("revision", release.source.revision);
}

interface RunningOutput {
  readonly service: string;
  readonly revision: string;
  readonly image: string;
  readonly digests: readonly Digest[];
  readonly ready: number;
  readonly desired: number;
}

function runningOutput(report: DeploymentReport): RunningOutput[] {
  return report.running.map(({ service, revision, image, digests, ready, desired }) => ({
    service,
    revision,
    image,
    digests,
    ready,
    desired,
  }));
}

/** Outputs of the plan: itself, how many services it changes, and where it is told. */
export function setPlanOutputs(
  context: ActionContext,
  told: { readonly plan: Plan; readonly commentUrl?: string },
): void {
  const changes = told.plan.services.filter(({ action }) => action !== "unchanged");
  context.output("plan", JSON.stringify(planJson(told.plan)));
  context.output("changes", String(changes.length));
  context.output("comment-url", told.commentUrl ?? "");
}

/** Outputs of the report step. */
export function setReportOutputs(
  context: ActionContext,
  told: { report?: object; commentUrl?: string; kind: string },
): void {
  context.output("comment-url", told.commentUrl ?? "");
  if (told.kind !== "deployment") return;
  const report = told.report as DeploymentReport;
  context.output("cause", report.cause?.cause ?? "");
  context.output("deployment", report.deployment === undefined ? "" : String(report.deployment));
  context.output("running", JSON.stringify(runningOutput(report)));
}
