import { type Digest, parseReference } from "@belay/core";

export interface ReportName {
  readonly repository: string;
  /** Of the platform's manifest, once it is known. */
  readonly manifest?: Digest | undefined;
}

interface Named {
  readonly ArtifactName: string;
  readonly Metadata?: { readonly RepoDigests?: readonly string[] | null };
  readonly Results?: readonly { readonly Target: string }[] | null;
}

/**
 * Trivy's JSON report under the image's own name, for what is made of it: an image of a layout is called `layout` there, one of an
 * engine by its ID, so that code scanning, the dependency graph and readers of bills of materials would take all images for one.
 * The name is the repository without a digest, which stays the same from build to build, as an alert does; a bill of materials tells the
 * digest beside it (purl).
 */
export function nameReport(json: string, { repository, manifest }: ReportName): string {
  const report = JSON.parse(json) as Named;
  const { ArtifactName: old, Metadata = {}, Results } = report;
  const digests = manifest === undefined ? [] : [`${repository}@${manifest}`];
  // What Trivy itself knows of this repository stays; an engine, or a scan of the same image for another service, tells others.
  const own = Metadata.RepoDigests?.filter((one) => repositoryOf(one) === repository) ?? [];
  const known = own.length > 0 ? own : digests;
  return JSON.stringify({
    ...report,
    ArtifactName: repository,
    Metadata: { ...Metadata, RepoDigests: known },
    Results: Results?.map((result) => ({ ...result, Target: renamed(result.Target, old, repository) })),
  });
}

/** Docker Hub also goes by its old name. */
function repositoryOf(reference: string): string | undefined {
  return parseReference(reference.replace(/^index\.docker\.io\//, "docker.io/"))?.repository;
}

/**
 * What stands in the image's config is under its name, and its packages under that and the distribution's: `layout (debian 12.5)`.
 * SARIF calls the packages by the path in the registry alone. The config has to be called so here: of a registry with a port Trivy
 * (0.72, `pkg/report/sarif.go`) makes a broken URI, and panics.
 */
function renamed(target: string, old: string, repository: string): string {
  if (target === old) return parseReference(repository)?.path ?? repository;
  return target.startsWith(`${old} (`) ? repository + target.slice(old.length) : target;
}
