import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, oneLine, sha256 } from "@belay/core";
import { type Found, maskMisconfiguration, maskSecret } from "../report/mask-found.ts";
import { checkReport } from "../report/parse-report.ts";
import type { DockerfileKey, ReportCache } from "../report/report-cache.ts";
import { ScanError } from "../trivy/could-not-scan.ts";
import { COPIES, dockerfileArguments, dockerfileScanners, withoutIgnores } from "../trivy/dockerfile-arguments.ts";
import { type Scanner, WORKPLACE } from "../trivy/image-arguments.ts";
import type { Trivy } from "../trivy/trivy.ts";
import { inTemporaryFolder } from "../trivy/unusable-folder.ts";
import { HANGS_MS } from "./scan-image.ts";

/** Outside text. */
export interface Dockerfile {
  /** In the repository. */
  readonly path: string;
  readonly text: string;
}

/** What Trivy found in a Dockerfile. */
export interface DockerfileScan {
  readonly path: string;
  /** A report of Trivy's, of this file alone: its `Results` stand under the path. */
  readonly json: string;
  /** Misconfigurations were looked for, and Trivy could parse it. */
  readonly checked: boolean;
}

export interface ScanDockerfilesOptions {
  readonly trivy: Trivy;
  readonly dockerfiles: readonly Dockerfile[];
  /** As for images. What can't be looked for in a Dockerfile is not. */
  readonly scanners: readonly Scanner[];
  /** For all of them. */
  readonly timeoutMs: number;
  readonly reports?: ReportCache;
  readonly signal?: AbortSignal;
}

/**
 * Looks for misconfigurations and secrets in Dockerfiles, all stages of each, by one run of Trivy for those that nobody has looked
 * at before. In the order of the Dockerfiles; nothing, when neither is asked for.
 * @throws ScanError; the signal's reason
 */
export async function scanDockerfiles(options: ScanDockerfilesOptions): Promise<readonly DockerfileScan[]> {
  const { dockerfiles, reports } = options;
  const scanners = dockerfileScanners(options.scanners);
  if (scanners.length === 0 || dockerfiles.length === 0) return [];
  const keyOf = (text: string): DockerfileKey => ({
    dockerfile: sha256(text),
    trivy: options.trivy.version,
    scanners: [...scanners].sort(),
  });
  const known = new Map<string, string>();
  for (const text of new Set(dockerfiles.map((one) => one.text))) {
    const kept = await reports?.find(keyOf(text));
    if (kept !== undefined && isReportOf(kept, sha256(text))) known.set(text, kept);
  }
  const anew = dockerfiles.filter(({ text }, index) => {
    return !known.has(text) && dockerfiles.findIndex((one) => one.text === text) === index;
  });
  for (const [index, json] of (anew.length === 0 ? [] : await scanAnew(options, anew)).entries()) {
    const { text } = anew[index] as Dockerfile;
    known.set(text, json);
    await reports?.keep(keyOf(text), json);
  }
  return dockerfiles.map(({ path, text }) => placed(known.get(text) as string, path));
}

/** A report of each, in which it is called by its digest. */
async function scanAnew(
  { trivy, scanners, timeoutMs, signal }: ScanDockerfilesOptions,
  dockerfiles: readonly Dockerfile[],
): Promise<readonly string[]> {
  const doing = `scanning ${dockerfiles.map(({ path }) => oneLine(path)).join(", ")}`;
  return inTemporaryFolder("belay-dockerfiles-", doing, async (work) => {
    await mkdir(join(work, WORKPLACE.cache));
    for (const [index, { text }] of dockerfiles.entries()) {
      const folder = join(work, COPIES.folder, String(index));
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, COPIES.file), withoutIgnores(text));
    }
    const call = { doing, cwd: work, deadlineMs: timeoutMs + HANGS_MS, ...(signal === undefined ? {} : { signal }) };
    await trivy.run(dockerfileArguments(scanners, timeoutMs), call);
    const json = await readFile(join(work, WORKPLACE.report), "utf8");
    checkReport(json);
    return split(json, dockerfiles, doing);
  });
}

/** What is read of Trivy's own JSON; the rest goes on as it is. */
interface Report {
  readonly ArtifactName: string;
  readonly Results?: readonly Result[] | null;
}

interface Result {
  readonly Target: string;
  readonly Class?: string;
  readonly Secrets?: readonly Found[] | null;
  readonly Misconfigurations?: readonly Found[] | null;
}

function split(json: string, dockerfiles: readonly Dockerfile[], doing: string): string[] {
  const { Results, ...report } = JSON.parse(json) as Report;
  const byTarget = Map.groupBy(Results ?? [], ({ Target }) => Target);
  const reports = dockerfiles.map(({ text }, index) => {
    const target = `${index}/${COPIES.file}`;
    const found = byTarget.get(target) ?? [];
    const secret = found.some(({ Secrets }) => (Secrets ?? []).length > 0);
    const own = found.map((result) => maskResult(result, secret));
    byTarget.delete(target);
    return JSON.stringify({ ...report, ArtifactName: sha256(text), Results: own });
  });
  const [other] = byTarget.keys();
  if (other === undefined) return reports;
  const got = `Trivy's report is about ${oneLine(other)}, which is none of them`;
  throw new ScanError("broken_report", { doing, got });
}

/** Any line of the file may hold a secret. `secret`: Trivy knows one in it, which what a check says of a command may quote. */
function maskResult({ Secrets, Misconfigurations, ...result }: Result, secret: boolean): Result {
  return {
    ...result,
    ...(Secrets ? { Secrets: Secrets.map((one) => maskSecret(one, true)) } : {}),
    ...(Misconfigurations
      ? { Misconfigurations: Misconfigurations.map((one) => maskMisconfiguration(one, secret)) }
      : {}),
  };
}

/** Nothing in a cache is believed without a look. */
function isReportOf(json: string, digest: Digest): boolean {
  try {
    return checkReport(json).ArtifactName === digest;
  } catch {
    return false;
  }
}

function placed(json: string, path: string): DockerfileScan {
  const report = JSON.parse(json) as Report;
  const results = (report.Results ?? []).map((result) => ({ ...result, Target: asUri(path) }));
  return {
    path,
    json: JSON.stringify({ ...report, Results: results }),
    checked: results.some((result) => result.Class === "config"),
  };
}

/** Trivy (0.72, `pkg/report/sarif.go`) makes a URI of it for SARIF, and panics where that can't be. */
function asUri(path: string): string {
  const escaped = path.replace(/[%\p{Cc}]/gu, (character) => encodeURIComponent(character));
  return escaped.replace(/^[^/]*/, (first) => first.replaceAll(":", "%3A"));
}
