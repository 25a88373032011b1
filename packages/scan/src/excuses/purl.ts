/** A package URL in parts (package-url/purl-spec), decoded. */
export interface PackageUrl {
  readonly type: string;
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
  readonly qualifiers: Readonly<Record<string, string>>;
  readonly subpath: string;
}

/** `pkg:npm/%40acme/shop@1.2.3?arch=amd64#src`. `undefined` for what is none. */
export function parsePurl(text: string): PackageUrl | undefined {
  if (!/^pkg:/i.test(text)) return undefined;
  try {
    return split(text.slice("pkg:".length).replace(/^\/+/, ""));
  } catch {
    // A percent sign that escapes nothing.
    return undefined;
  }
}

/** From the right, as the specification says: subpath, qualifiers, version, name. */
function split(text: string): PackageUrl | undefined {
  const [beforeSubpath, subpath] = cut(text, text.lastIndexOf("#"));
  const [beforeQualifiers, qualifiers] = cut(beforeSubpath, beforeSubpath.lastIndexOf("?"));
  const at = beforeQualifiers.lastIndexOf("@");
  // An `@` in front of the name is npm's scope, which some writers leave unescaped.
  const [path, version] = cut(beforeQualifiers, at > beforeQualifiers.lastIndexOf("/") ? at : -1);
  const parts = path.split("/").filter((part) => part !== "");
  const [type, ...names] = parts;
  const name = names.pop();
  if (type === undefined || name === undefined) return undefined;
  return {
    type: type.toLowerCase(),
    namespace: names.map(decodeURIComponent).join("/"),
    name: decodeURIComponent(name),
    version: decodeURIComponent(version),
    qualifiers: Object.fromEntries(new URLSearchParams(qualifiers)),
    subpath: decodeURIComponent(subpath),
  };
}

function cut(text: string, at: number): [before: string, after: string] {
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

/**
 * Whether `wanted` means `found`. What `wanted` leaves out (version, qualifiers, subpath) may be anything (as Trivy
 * compares them: trivy, `pkg/purl`, "Match").
 */
export function matchesPurl(wanted: PackageUrl, found: PackageUrl): boolean {
  const named = wanted.type === found.type && wanted.namespace === found.namespace && wanted.name === found.name;
  const version = wanted.version === "" || wanted.version === found.version;
  const subpath = wanted.subpath === "" || wanted.subpath === found.subpath;
  const qualified = Object.entries(wanted.qualifiers).every(([key, value]) => found.qualifiers[key] === value);
  return named && version && subpath && qualified;
}
