import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { RestEndpointMethodTypes } from "@octokit/rest";
import type { Api } from "./client.ts";
import { isRecord } from "./json-path.ts";

const pack = promisify(gzip);

/** A scan's results, for the repository's code scanning alerts. */
export interface SarifUpload {
  /** Full SHA of the commit that the results are of. */
  readonly commit: string;
  /** `refs/heads/main`, `refs/pull/7/merge`. */
  readonly ref: string;
  /** SARIF 2.1.0. */
  readonly sarif: string;
  /** Results of one category replace the older ones of the same: `belay/shop/web/linux-amd64`. */
  readonly category: string;
}

/** Dependencies that were found, in the dependency graph's own form. */
export interface SnapshotUpload extends Omit<SarifUpload, "sarif"> {
  /** As `trivy convert --format github` writes it. */
  readonly snapshot: string;
  readonly run: { readonly id: string; readonly url: string };
}

/** Source: REST API, "Upload an analysis as SARIF data". @returns the id of the analysis. */
export async function uploadSarif({ octokit, repo, retries }: Api, upload: SarifUpload): Promise<string> {
  const packed = await pack(withCategory(upload.sarif, upload.category));
  const { data } = await octokit.rest.codeScanning.uploadSarif({
    ...repo,
    commit_sha: upload.commit,
    ref: upload.ref,
    sarif: packed.toString("base64"),
    tool_name: "Trivy",
    request: { retries },
  });
  return data.id ?? "";
}

/** SARIF 2.1.0, 3.17.2: the id of a run ends with a slash where nothing tells single runs apart. */
function withCategory(sarif: string, category: string): string {
  const value: unknown = JSON.parse(sarif);
  if (!isRecord(value) || !Array.isArray(value.runs)) return sarif;
  const runs = value.runs.map((run) => (isRecord(run) ? { ...run, automationDetails: { id: `${category}/` } } : run));
  return JSON.stringify({ ...value, runs });
}

type Snapshot = Pick<
  RestEndpointMethodTypes["dependencyGraph"]["createRepositorySnapshot"]["parameters"],
  "detector" | "manifests" | "scanned"
>;

/** Source: REST API, "Create a snapshot of dependencies for a repository". @returns the id of the snapshot. */
export async function uploadSnapshot({ octokit, repo, retries }: Api, upload: SnapshotUpload): Promise<string> {
  const { detector, manifests, scanned } = JSON.parse(upload.snapshot) as Snapshot;
  const { id, url } = upload.run;
  const { data } = await octokit.rest.dependencyGraph.createRepositorySnapshot({
    ...repo,
    version: 0,
    sha: upload.commit,
    ref: upload.ref,
    job: { id, correlator: upload.category, ...(url === "" ? {} : { html_url: url }) },
    detector,
    ...(manifests === undefined ? {} : { manifests }),
    scanned,
    request: { retries },
  });
  return String(data.id);
}
