import type { Api } from "./client.ts";
import { answeredStatus } from "./explain-error.ts";
import { isRecord, numberAt, textAt } from "./json-path.ts";

/** A package of GitHub's container registry: `shop/web` of `acme` is `ghcr.io/acme/shop/web`. */
export interface ContainerPackage {
  readonly owner: string;
  readonly name: string;
  /** Organizations and users have addresses of their own for the same thing. */
  readonly ownedBy: "organization" | "user";
}

/** A manifest as GitHub's packages know it: every one is a version, tagged or not, platforms and attestations too. */
export interface PackageVersion {
  readonly id: number;
  readonly digest: string;
}

const PER_PAGE = 100;

/** Source: REST API, "Get a user", which also tells of organizations. */
export async function ownedBy({ octokit }: Api, owner: string): Promise<ContainerPackage["ownedBy"]> {
  const { data } = await octokit.rest.users.getByUsername({ username: owner });
  return data.type === "Organization" ? "organization" : "user";
}

/**
 * Every version of a package, all pages of them. Source: REST API, "List package versions for a package owned by an
 * organization" and "… by a user", which is not said to have pages; where it has some, they are read.
 */
export async function packageVersionsOf({ octokit }: Api, image: ContainerPackage): Promise<readonly PackageVersion[]> {
  const { packages } = octokit.rest;
  const wanted = { package_type: "container", package_name: image.name } as const;
  const pages =
    image.ownedBy === "organization"
      ? octokit.paginate.iterator(packages.getAllPackageVersionsForPackageOwnedByOrg, {
          ...wanted,
          org: image.owner,
          per_page: PER_PAGE,
        })
      : octokit.paginate.iterator(packages.getAllPackageVersionsForPackageOwnedByUser, {
          ...wanted,
          username: image.owner,
        });
  const found: PackageVersion[] = [];
  for await (const { data } of pages) {
    for (const one of data as readonly unknown[]) {
      const [id, digest] = [isRecord(one) ? numberAt(one, "id") : undefined, textAt(one, "name")];
      if (id !== undefined && digest !== undefined) found.push({ id, digest });
    }
  }
  return found;
}

/**
 * `refused`: GitHub keeps it, with the reason: the last tagged version of a package, or one of a public package with more
 * than 5,000 downloads. `not allowed`: GitHub says that it is not there, and shows it all the same: the token may not
 * administer the package. Source: REST API, "Delete package version for an organization" and "… for a user".
 */
export type Deletion = "deleted" | "was gone" | "not allowed" | { readonly refused: string };

export async function deletePackageVersion(api: Api, image: ContainerPackage, id: number): Promise<Deletion> {
  const { packages } = api.octokit.rest;
  const version = { package_type: "container", package_name: image.name, package_version_id: id } as const;
  try {
    if (image.ownedBy === "organization") {
      await packages.deletePackageVersionForOrg({ ...version, org: image.owner });
    } else await packages.deletePackageVersionForUser({ ...version, username: image.owner });
    return "deleted";
  } catch (error) {
    const status = answeredStatus(error);
    if (status === 404) return (await isListed(api, image, id)) ? "not allowed" : "was gone";
    if (status !== 400 && status !== 422) throw error;
    return { refused: textAt(error, "response.data.message") ?? `the status is ${status}` };
  }
}

/** Whether GitHub still has it. What was deleted can be restored for a while, and may be shown with its `deleted_at`. */
async function isListed({ octokit }: Api, image: ContainerPackage, id: number): Promise<boolean> {
  const { packages } = octokit.rest;
  const version = { package_type: "container", package_name: image.name, package_version_id: id } as const;
  try {
    const { data } =
      image.ownedBy === "organization"
        ? await packages.getPackageVersionForOrganization({ ...version, org: image.owner })
        : await packages.getPackageVersionForUser({ ...version, username: image.owner });
    return textAt(data, "deleted_at") === undefined;
  } catch (error) {
    if (answeredStatus(error) === 404) return false;
    throw error;
  }
}
