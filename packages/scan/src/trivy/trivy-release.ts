import { BelayError } from "@belay/core";

/** The Trivy that Belay takes when it is asked to download one. */
export const PINNED_TRIVY = "0.72.0";

/**
 * SHA-256 of the archives of that release, from `trivy_0.72.0_checksums.txt` of
 * https://github.com/aquasecurity/trivy/releases/tag/v0.72.0. They stand here and are never fetched: somebody who can
 * change a release (March 2026, CVE-2026-33634) changes the list of checksums beside it too.
 */
const PINNED: Readonly<Record<string, string>> = {
  "Linux-64bit": "bbb64b9695866ce4a7a8f5c9592002c5961cab378577fa3f8a040df362b9b2ea",
  "Linux-ARM64": "2ca2c023109c2db6b2b77366b6717291452d4531167377d95c79547f0c8e3467",
  "macOS-64bit": "ee5e60df8a98e5b89fd74a6d86f9e5c7e9a266a35002cb1e43291698b3bfee08",
  "macOS-ARM64": "88f208680dc05da2b459e19b4f5aa2b4dc7c2117892ba4aab2ae63baba330016",
};

const UPSTREAM = "https://github.com/aquasecurity/trivy/releases/download";

/** What to download. All of it has a default. */
export interface TrivyChoice {
  /** `0.72.0` or `v0.72.0`. Another one than {@link PINNED_TRIVY} needs its checksum. */
  readonly version?: string;
  /** SHA-256 of the archive for this machine, in hex. */
  readonly checksum?: string;
  /** Where releases are, with the folders that GitHub has: `https://mirror.example/trivy` serves `v0.72.0/trivy_….tar.gz`. */
  readonly mirror?: string;
}

export interface TrivyArchive {
  readonly version: string;
  /** SHA-256, 64 hex digits. */
  readonly checksum: string;
  readonly url: URL;
}

/** The archive for a machine. @throws BelayError INVALID_INPUT for what is none of a version, a checksum, an address */
export function trivyArchive(choice: TrivyChoice, os: string = process.platform, cpu: string = process.arch) {
  const version = (choice.version ?? PINNED_TRIVY).replace(/^v/, "");
  if (!/^\d+\.\d+\.\d+$/.test(version))
    refuse(`${JSON.stringify(choice.version)} is no version`, "Write it like 0.72.0.");
  const name = archiveName(os, cpu);
  const checksum = (choice.checksum ?? pinnedFor(version, name)).toLowerCase().replace(/^sha256:/, "");
  if (!/^[0-9a-f]{64}$/.test(checksum)) refuse("the checksum is no SHA-256", "Write its 64 hex digits.");
  const url = new URL(`${baseOf(choice.mirror)}/v${version}/trivy_${version}_${name}.tar.gz`);
  return { version, checksum, url } satisfies TrivyArchive;
}

/** Upstream's words for systems and processors (trivy, `goreleaser.yml`). */
function archiveName(os: string, cpu: string): string {
  const system = { linux: "Linux", darwin: "macOS" }[os];
  const bits = { x64: "64bit", arm64: "ARM64", s390x: "s390x", ppc64: "PPC64LE", arm: "ARM" }[cpu];
  if (system !== undefined && bits !== undefined) return `${system}-${bits}`;
  return refuse(`there is no archive for ${os} on ${cpu}`, "Install Trivy and use `scanner: installed`.");
}

function pinnedFor(version: string, name: string): string {
  const checksum = version === PINNED_TRIVY ? PINNED[name] : undefined;
  const got = `Belay knows no checksum of Trivy ${version} for ${name}`;
  return checksum ?? refuse(got, `Give the SHA-256 of its archive, or use ${PINNED_TRIVY}.`);
}

function baseOf(mirror: string = UPSTREAM): string {
  const url = URL.canParse(mirror) ? new URL(mirror) : null;
  const plain = url !== null && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "";
  if (!plain) return refuse("the mirror is no http(s) address", "Write it like https://mirror.example/trivy.");
  if (url.username !== "" || url.password !== "") refuse("the mirror's address holds credentials", "Leave them out.");
  return url.href.replace(/\/+$/, "");
}

function refuse(got: string, next: string): never {
  throw new BelayError("INVALID_INPUT", { doing: "choosing the Trivy to download", got, next });
}
