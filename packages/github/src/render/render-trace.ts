import { type DeploymentReport, doneServices, type RunningService, type Source, shortDigest } from "@belay/core";
import { commitLink, describeSource, pullRequestLink } from "./describe-source.ts";
import { code, link, prose, safeAddress, table } from "./markdown.ts";
import type { RenderContext } from "./render-context.ts";
import { type AnyReport, isDeploymentReport } from "./report-kind.ts";

/** One line under the headline: commit, its title, its author. */
export function renderOrigin(report: AnyReport): string {
  const source = isDeploymentReport(report) ? report.release.source : report.source;
  if (source === undefined) return "";
  return describeSource(source);
}

/** Image → commit → author → pull request → run: how to walk back from what runs to who wrote it. */
export function renderTrace(report: AnyReport, context: RenderContext): string {
  const source = isDeploymentReport(report) ? report.release.source : report.source;
  if (source === undefined) return "";
  const rows = [...sourceRows(source), ...linkRows(report, source, context)];
  return rows.map(([name = "", value = ""]) => `- **${name}:** ${value}`).join("\n");
}

function sourceRows(source: Source): string[][] {
  const title = source.title === undefined ? "" : ` ${prose(source.title.slice(0, 200))}`;
  const dirty = source.dirty === true ? " **plus changes that no commit holds**" : "";
  return [
    ["Commit", `${commitLink(source.repository, source.revision)}${title}${dirty}`],
    ...(source.author === undefined ? [] : [["Author", prose(source.author.slice(0, 200))]]),
    ...(source.committedAt === undefined ? [] : [["Committed", renderTime(source.committedAt)]]),
    ...(source.ref === undefined ? [] : [["Ref", code(source.ref.slice(0, 200))]]),
  ];
}

function linkRows(report: AnyReport, source: Source, context: RenderContext): string[][] {
  const number = context.pullRequest?.number ?? source.pullRequest;
  const pull = number === undefined ? undefined : pullRequestLink(number, source.repository);
  const built = source.run;
  return [
    ...(pull === undefined ? [] : [["Pull request", pull]]),
    ...(built === undefined ? [] : [["Built by run", link(`${prose(built.id)}, attempt ${built.attempt}`, built.url)]]),
    ...(context.runUrl === undefined ? [] : [["This run", link(prose(lastSegments(context.runUrl)), context.runUrl)]]),
    ...(isDeploymentReport(report) ? [["Release", code(report.release.digest)], ...imageRows(report)] : []),
  ];
}

/** The images that run, with their whole digests: the other end of the walk. */
function imageRows(report: DeploymentReport): string[][] {
  return report.running
    .slice(0, 20)
    .map((service) => ["Image that runs", `${code(service.image)} (${code(service.service)})`]);
}

function lastSegments(address: string): string {
  return safeAddress(address)?.split("/actions/runs/")[1] ?? "log";
}

/** What truly runs, read back from the target after the last change. */
export function renderRunning(report: DeploymentReport, rows: number): string {
  if (report.running.length === 0) return "Nothing of this application runs, or the target did not say.";
  const done = doneServices(report);
  const shown = report.running
    .slice(0, rows)
    .map((service) => [
      code(service.service),
      done.has(service.service) ? "done" : `${service.ready}/${service.desired}`,
      imageCell(service),
      commitCell(service, report),
      service.deployment === undefined ? "" : `${service.deployment}`,
      service.since === undefined ? "" : renderTime(service.since),
    ]);
  return table(["Service", "Ready", "Image", "Commit", "Deployment", "Since"], shown);
}

function imageCell(service: RunningService): string {
  const [repository, digest] = service.image.split("@");
  if (repository === undefined || digest === undefined || !digest.startsWith("sha256:")) return code(service.image);
  return `${code(repository)}<br>${code(`sha256:${shortDigest(`sha256:${digest.slice("sha256:".length)}`)}`)}`;
}

/** A label is only a claim; a release that this report knows is proof. */
function commitCell(service: RunningService, report: DeploymentReport): string {
  const { release, previous } = report;
  if (service.release === release.digest) return commitLink(release.source.repository, release.source.revision);
  if (service.release !== undefined && service.release === previous?.release && previous.source !== undefined) {
    return commitLink(previous.source.repository, previous.source.revision);
  }
  if (service.labelledCommit === undefined) return "not known";
  return `${commitLink(release.source.repository, service.labelledCommit)}<br>by its label`;
}

/** `2026-11-23 14:32 UTC` in one piece, as Markdown; what is no date is shown as it came. */
export function renderTime(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return prose(iso);
  // No-break spaces and hyphens, so that a narrow table keeps it on one line.
  return `${date.toISOString().slice(0, 16).replace("T", "\u00a0").replaceAll("-", "\u2011")}\u00a0UTC`;
}
