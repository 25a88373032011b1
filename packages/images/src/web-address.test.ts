import { expect, it } from "vitest";
import { webAddressOf } from "./web-address.ts";

it.each([
  ["git@github.com:acme/shop.git", "https://github.com/acme/shop"],
  ["github.com:acme/shop", "https://github.com/acme/shop"],
  ["ssh://git@git.example.org:2222/acme/shop.git", "https://git.example.org/acme/shop"],
  ["https://ada:s3cret@github.com/acme/shop.git", "https://github.com/acme/shop"],
  ["https://git.example.org:8443/acme/shop/", "https://git.example.org:8443/acme/shop"],
  ["http://127.0.0.1:3000/acme/shop.git", "http://127.0.0.1:3000/acme/shop"],
  ["git://git.example.org/shop.git", "https://git.example.org/shop"],
  ["/srv/git/shop.git", undefined],
  ["file:///srv/git/shop.git", undefined],
  ["C:\\git\\shop", undefined],
  ["", undefined],
  [undefined, undefined],
])("the web address of %j is %j", (remote, address) => {
  expect(webAddressOf(remote)).toBe(address);
});
