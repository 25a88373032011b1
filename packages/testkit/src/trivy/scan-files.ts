import type { ImageFiles } from "./image-layout.ts";

/**
 * What Trivy finds in an image: installed packages (`node_modules/…/package.json`; lock files count only in a file
 * system scan), the package database of a distribution, and files with something secret in them.
 */
export const SCAN_FILES = {
  /** A base, as far as Trivy is concerned. */
  debian: debian([]),
  /** `CVE-2023-45853`, critical, which Debian won't fix. */
  unfixable: debian([["zlib1g", "zlib", "1:1.2.13.dfsg-1"]]),
  /** The same, and `CVE-2010-4756`, low to Debian, which nobody has fixed (`affected`). */
  unfixed: debian([
    ["zlib1g", "zlib", "1:1.2.13.dfsg-1"],
    ["libc6", "glibc", "2.36-9+deb12u4"],
  ]),
  /** `CVE-2019-10744` (critical) and `CVE-2021-23337` (high), fixed in 4.17.12 and 4.17.21. */
  oldLodash: npm("lodash", "4.17.11"),
  /** None that the database knows. */
  newLodash: npm("lodash", "4.17.21"),
  /** `CVE-2020-7598`, medium, fixed in 1.2.3. */
  oldMinimist: npm("minimist", "1.2.0"),
  /** Looks like a token of GitHub's. It is none, and stands nowhere as a whole. */
  secret: { "app/settings.sh": `export GITHUB_TOKEN=${["ghp", "b3LayTe5tAbcdEf9hIjkLmn0pQrstUvwXyZ1"].join("_")}\n` },
  /** Of a distribution that Trivy has never heard of, and nothing else. */
  unknown: { "etc/motd": "hello\n" },
} as const satisfies Record<string, ImageFiles>;

function npm(name: string, version: string): ImageFiles {
  const content = { name, version, license: "MIT" };
  return { [`app/node_modules/${name}/package.json`]: `${JSON.stringify(content)}\n` };
}

function debian(more: readonly (readonly [name: string, source: string, version: string])[]): ImageFiles {
  const all = [["base-files", "base-files", "12.4+deb12u5"] as const, ...more];
  const status = all.map(([name, source, version]) =>
    [
      `Package: ${name}`,
      "Status: install ok installed",
      "Priority: required",
      "Section: libs",
      "Maintainer: Nobody <nobody@belay.invalid>",
      "Architecture: amd64",
      `Source: ${source}`,
      `Version: ${version}`,
      "Description: for tests",
      "",
    ].join("\n"),
  );
  return {
    "etc/debian_version": "12.5\n",
    "etc/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "var/lib/dpkg/status": `${status.join("\n")}\n`,
  };
}
