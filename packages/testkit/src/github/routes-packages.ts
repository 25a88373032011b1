import { type Answer, type Call, found, notFound, ok, Refusal, type Route } from "./answer.ts";
import { userParts } from "./views.ts";

/** Packages of the container registry, all of the repository's owner. Every manifest is a version, the newest first. */
export const PACKAGE_ROUTES: Readonly<Record<string, Route>> = {
  "packages/get-all-package-versions-for-package-owned-by-org": (call) => ({ list: versions(call, "Organization") }),
  // Its description knows no pages.
  "packages/get-all-package-versions-for-package-owned-by-user": (call) => ok(versions(call, "User")),
  "packages/get-package-version-for-organization": (call) => ok(version(call, "Organization")),
  "packages/get-package-version-for-user": (call) => ok(version(call, "User")),
  "packages/delete-package-version-for-org": (call) => remove(call, "Organization"),
  "packages/delete-package-version-for-user": (call) => remove(call, "User"),
  "users/get-by-username": (call) => {
    const { username = "" } = call.parameters;
    if (username !== ownerOf(call)) throw notFound();
    const type = call.state.ownedBy;
    return ok(call.fill("public-user", { ...userParts(username), type, user_view_type: "public" }));
  },
};

function ownerOf({ state }: Call): string {
  return state.repository.split("/")[0] ?? "";
}

/** @throws Refusal 404 where there is no such package, or under the other kind of address */
function entriesOf(call: Call, kind: "Organization" | "User") {
  const { state, parameters } = call;
  const owner = parameters.org ?? parameters.username;
  const all = [...state.packageVersions].filter(([, one]) => one.package === parameters.package_name);
  if (owner !== ownerOf(call) || state.ownedBy !== kind || parameters.package_type !== "container") throw notFound();
  if (all.length === 0) throw notFound();
  return all;
}

function versions(call: Call, kind: "Organization" | "User") {
  const html = `${call.state.serverUrl}/orgs/${ownerOf(call)}/packages/container/package/${call.parameters.package_name}`;
  return entriesOf(call, kind)
    .reverse()
    .map(([id, { digest, tags = [] }]) =>
      call.fill("package-version", {
        id,
        name: digest,
        url: `https://api.github.com/packages/versions/${id}`,
        package_html_url: html,
        metadata: { package_type: "container", container: { tags } },
      }),
    );
}

function version(call: Call, kind: "Organization" | "User") {
  return found(versions(call, kind).find(({ id }) => id === Number(call.parameters.package_version_id)));
}

function remove(call: Call, kind: "Organization" | "User"): Answer {
  const all = entriesOf(call, kind);
  const id = Number(call.parameters.package_version_id);
  const one = found(all.find(([other]) => other === id)?.[1]);
  // GitHub does not tell whoever may not delete a version that it is there.
  if (call.state.deletesPackages === false) throw notFound();
  if (one.popular === true) {
    throw new Refusal(400, "Publicly visible package versions with more than 5000 downloads cannot be deleted.");
  }
  const tagged = all.filter(([, { tags = [] }]) => tags.length > 0);
  if (tagged.length === 1 && tagged[0]?.[0] === id) {
    throw new Refusal(
      400,
      "You cannot delete the last tagged version of a package. You must delete the package instead.",
    );
  }
  call.state.packageVersions.delete(id);
  return { status: 204 };
}
