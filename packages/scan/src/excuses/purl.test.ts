import { expect, it } from "vitest";
import { matchesPurl, parsePurl } from "./purl.ts";

it.each([
  ["pkg:npm/lodash@4.17.11", { type: "npm", namespace: "", name: "lodash", version: "4.17.11" }],
  ["pkg:npm/%40acme/shop@1.0.0", { namespace: "@acme", name: "shop", version: "1.0.0" }],
  ["pkg:npm/@acme/shop", { namespace: "@acme", name: "shop", version: "" }],
  [
    "pkg:deb/debian/zlib1g@1%3A1.2.13?arch=amd64&distro=debian-12.5",
    { version: "1:1.2.13", qualifiers: { arch: "amd64", distro: "debian-12.5" } },
  ],
  ["pkg:golang/github.com/a/b@v1#c/d", { namespace: "github.com/a", name: "b", subpath: "c/d" }],
  ["PKG:NPM/x", { type: "npm", name: "x" }],
])("%s is read", (text, expected) => expect(parsePurl(text)).toMatchObject(expected));

it.each(["", "lodash", "pkg:npm", "pkg:", "pkg:npm/%", "https://example.org/pkg:npm/x"])("%j is none", (text) => {
  expect(parsePurl(text)).toBeUndefined();
});

it.each([
  ["pkg:npm/lodash", "pkg:npm/lodash@1", true],
  ["pkg:npm/lodash@1", "pkg:npm/lodash@1", true],
  ["pkg:npm/lodash@2", "pkg:npm/lodash@1", false],
  ["pkg:npm/lodash", "pkg:pypi/lodash@1", false],
  ["pkg:npm/lodash", "pkg:npm/%40a/lodash@1", false],
  ["pkg:deb/debian/zlib1g?arch=amd64", "pkg:deb/debian/zlib1g@1?arch=amd64&distro=x", true],
  ["pkg:deb/debian/zlib1g?arch=arm64", "pkg:deb/debian/zlib1g@1?arch=amd64", false],
  ["pkg:golang/a/b#c", "pkg:golang/a/b@1", false],
])("%s means %s: %s", (wanted, found, expected) => {
  const [one, other] = [parsePurl(wanted), parsePurl(found)];
  expect(one && other && matchesPurl(one, other)).toBe(expected);
});
