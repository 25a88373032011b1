import { expect, test } from "vitest";
import { proxyOf } from "./proxy-of.ts";

const P = { HTTPS_PROXY: "http://proxy:3128" };
const SERVER = "https://api.cluster.example:6443";

test.each([
  ["no proxy", SERVER, {}, undefined],
  ["a proxy", SERVER, P, "http://proxy:3128"],
  ["in small letters, without a scheme", SERVER, { https_proxy: "proxy:3128" }, "http://proxy:3128"],
  ["one for plain HTTP only", SERVER, { HTTP_PROXY: "http://proxy" }, undefined],
  ["a plain server", "http://api.example:8080", { HTTP_PROXY: "http://proxy" }, "http://proxy"],
  ["this machine", "https://127.0.0.1:6443", P, undefined],
  ["this machine by name", "https://localhost:6443", P, undefined],
  ["everything excepted", SERVER, { ...P, NO_PROXY: "*" }, undefined],
  ["the host excepted", SERVER, { ...P, NO_PROXY: "a.example, api.cluster.example" }, undefined],
  ["its domain excepted", SERVER, { ...P, no_proxy: "cluster.example" }, undefined],
  ["what is below its domain", SERVER, { ...P, NO_PROXY: ".cluster.example" }, undefined],
  ["only what is below it", SERVER, { ...P, NO_PROXY: ".api.cluster.example" }, P.HTTPS_PROXY],
  ["another domain", SERVER, { ...P, NO_PROXY: "luster.example" }, P.HTTPS_PROXY],
  ["the port excepted", SERVER, { ...P, NO_PROXY: "api.cluster.example:6443" }, undefined],
  ["another port excepted", SERVER, { ...P, NO_PROXY: "api.cluster.example:443" }, P.HTTPS_PROXY],
  ["its address", "https://10.0.0.1:6443", { ...P, NO_PROXY: "10.0.0.1" }, undefined],
  ["its network", "https://10.0.0.1:6443", { ...P, NO_PROXY: "10.0.0.0/8" }, undefined],
  ["another network", "https://10.0.0.1:6443", { ...P, NO_PROXY: "192.168.0.0/16,10.0.0.0/99" }, P.HTTPS_PROXY],
  ["a network of IPv6", "https://[fd00::1]:6443", { ...P, NO_PROXY: "fd00::/8" }, undefined],
  ["an address of IPv6", "https://[fd00::1]:6443", { ...P, NO_PROXY: "fd00::1" }, undefined],
])("%s", (_, server, env, proxy) => {
  expect(proxyOf(server, env)).toBe(proxy);
});
