import { BelayError, type Digest } from "@belay/core";
import { type ContainerPackage, createGitHub, type GitHub, type PackageVersion, type Reported } from "@belay/github";
import { type ImageChoice, isPartOf, PART_OF_KEPT, partsOfNoOther } from "@belay/registry";
import type { PipelineContext } from "../run/context.ts";
import type { DeletedImages } from "./delete-images.ts";
import { FreshChoices, type LookAgain } from "./fresh-choices.ts";

/** A repository of GitHub's container registry, which takes no DELETE: its packages do. */
export interface GitHubPackage {
  readonly owner: string;
  readonly name: string;
  readonly apiUrl: string;
}

const GHCR = "ghcr.io";
const GITHUB_API = "https://api.github.com";

/** Between two deletions, as GitHub asks for ("Best practices for using the REST API": pause between mutative requests). */
const PAUSE_MS = 1_000;
/** Deleting may take its time, and what GitHub asks to wait is waited for. */
const PATIENT = { callMs: 5 * 60_000, budgetMs: 60 * 60_000, retryAfterMs: 2 * 60_000, retries: 3 };

/** `host`: the container registry of a GitHub Enterprise Server. Nothing for repositories elsewhere. */
export function gitHubPackage(
  repository: string,
  host: string | undefined,
  { GITHUB_API_URL, GITHUB_SERVER_URL }: PipelineContext["env"],
): GitHubPackage | undefined {
  const [registry = "", owner = "", ...rest] = repository.split("/");
  if (rest.length === 0 || (registry !== GHCR && registry !== host)) return undefined;
  // The API of the job's own GitHub knows nothing of ghcr.io where that is an Enterprise Server.
  const foreign = registry === GHCR && (GITHUB_SERVER_URL || "https://github.com") !== "https://github.com";
  return { owner, name: rest.join("/"), apiUrl: (foreign ? undefined : GITHUB_API_URL) || GITHUB_API };
}

/**
 * Deletes what does not stay, with all that hangs on it, as versions of a package. An image goes first and what is only its
 * own after it, so that whatever GitHub keeps is whole: the last tagged version of a package, and popular public ones.
 * @throws what looking again throws, and BelayError GITHUB_ERROR when GitHub can't be asked or forbids it: what was deleted until then is gone
 */
export async function deleteAtGitHub(
  context: PipelineContext,
  token: string,
  place: GitHubPackage,
  choices: readonly ImageChoice[],
  look: LookAgain,
): Promise<DeletedImages> {
  if (choices.every(({ keep }) => keep)) return { choices, deleted: 0 };
  const deleting = await Deleting.open(context, token, place);
  const left = new Map(choices.map((choice) => [choice.image.digest, choice]));
  const all = (): ImageChoice[] => choices.map((choice) => left.get(choice.image.digest) ?? choice);
  const fresh = new FreshChoices(context.clock, look);
  // What has the most parts first: an image that is a part of another one waits for what becomes of that.
  const going = choices.filter(({ keep }) => !keep).sort((a, b) => partCount(b) - partCount(a));
  for (const { image } of going) {
    const { digest } = image;
    for (const seen of (await fresh.renew(all)) ?? []) {
      if (left.has(seen.image.digest)) left.set(seen.image.digest, seen);
    }
    const choice = left.get(digest);
    if (choice === undefined || choice.keep) continue;
    const others = [...left.values()].filter((other) => other.image.digest !== digest);
    const why = isPartOf(digest, others) ? PART_OF_KEPT : await deleting.removeImage(digest);
    if (why !== undefined) {
      left.set(digest, { ...choice, keep: true, why });
      continue;
    }
    left.delete(digest);
    for (const part of partsOfNoOther(choice, others)) {
      const kept = await deleting.removePart(part);
      if (kept !== undefined) context.log.warn(`${place.name}@${part}, a part of ${digest}, is left: ${kept}`);
    }
  }
  return { choices: all(), deleted: deleting.deleted };
}

function partCount({ image }: ImageChoice): number {
  return image.manifests.size + image.attached.size;
}

class Deleting {
  deleted = 0;
  #asked = false;
  readonly #context: PipelineContext;
  readonly #github: GitHub;
  readonly #image: ContainerPackage;
  readonly #versions: ReadonlyMap<string, PackageVersion>;

  private constructor(
    context: PipelineContext,
    github: GitHub,
    image: ContainerPackage,
    versions: readonly PackageVersion[],
  ) {
    this.#context = context;
    this.#github = github;
    this.#image = image;
    this.#versions = new Map(versions.map((version) => [version.digest, version]));
  }

  static async open(
    context: PipelineContext,
    token: string,
    { owner, name, apiUrl }: GitHubPackage,
  ): Promise<Deleting> {
    const { redactor, log, clock, signal } = context;
    const repository = `${owner}/${name}`;
    const github = createGitHub({ token, apiUrl, repository, redactor, log, clock, signal, limits: PATIENT });
    const ownedBy = answerOf(await github.ownedBy(owner), name, 0, signal);
    const image = { owner, name, ownedBy };
    const versions = answerOf(await github.packageVersions(image), name, 0, signal);
    return new Deleting(context, github, image, versions);
  }

  /** Why GitHub keeps it; nothing when it is gone. The registry served it just now: GitHub has it somewhere. */
  async removeImage(digest: Digest): Promise<string | undefined> {
    const version = this.#versions.get(digest);
    return version === undefined ? "GitHub does not list it" : this.#remove(version);
  }

  /** The same for what is left of an image that is gone: what GitHub does not list was never there, or went with it. */
  async removePart(digest: Digest): Promise<string | undefined> {
    const version = this.#versions.get(digest);
    return version === undefined ? undefined : this.#remove(version);
  }

  async #remove(version: PackageVersion): Promise<string | undefined> {
    const { clock, signal } = this.#context;
    if (this.#asked) await clock.sleep(PAUSE_MS, signal);
    signal.throwIfAborted();
    this.#asked = true;
    const reported = await this.#github.deletePackageVersion(this.#image, version);
    const done = answerOf(reported, this.#image.name, this.deleted, signal);
    if (done === "not allowed")
      throw refusedAs("GitHub answered 404 (Not Found), and lists it all the same", this.#image.name, this.deleted);
    if (typeof done === "object") return `GitHub does not delete it: ${done.refused}`;
    if (done === "deleted") this.deleted++;
    return undefined;
  }
}

function answerOf<T>(reported: Reported<T>, name: string, deleted: number, signal: AbortSignal): T {
  signal.throwIfAborted();
  if (reported.done) return reported.value;
  throw refusedAs(reported.deferred.message, name, deleted);
}

function refusedAs(got: string, name: string, deleted: number): BelayError {
  return new BelayError("GITHUB_ERROR", {
    doing: `deleting images of the package ${name}${deleted === 0 ? "" : `, ${deleted} manifests of which are gone`}`,
    got,
    next: "The job needs `permissions: packages: write`, and its repository the role Admin in the package's settings (Manage Actions access). Elsewhere give a `github-token` with `read:packages` and `delete:packages`.",
  });
}
