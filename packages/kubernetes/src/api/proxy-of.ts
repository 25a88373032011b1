import { BlockList, isIP } from "node:net";

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that leads to a server by the environment: `HTTPS_PROXY` (or `HTTP_PROXY` for a plain one) unless `NO_PROXY` names
 * the server, as for kubectl (golang.org/x/net/http/httpproxy, with networks in `NO_PROXY`). Never for this machine itself.
 */
export function proxyOf(server: string, env: Variables): string | undefined {
  const read = (name: string): string => env[name] ?? env[name.toLowerCase()] ?? "";
  const { protocol, hostname, port } = new URL(server);
  const proxy = read(protocol === "http:" ? "HTTP_PROXY" : "HTTPS_PROXY");
  const host = hostname.replace(/^\[|\]$/g, "").toLowerCase();
  if (proxy === "" || host === "localhost" || isIn(host, "127.0.0.0/8") || host === "::1") return undefined;
  const number = port || (protocol === "http:" ? "80" : "443");
  const exceptions = read("NO_PROXY").toLowerCase().split(",");
  if (exceptions.some((one) => isNamed(one.trim(), host, number))) return undefined;
  return proxy.includes("://") ? proxy : `http://${proxy}`;
}

function isNamed(exception: string, host: string, port: string): boolean {
  if (exception === "") return false;
  if (exception === "*" || isIn(host, exception)) return true;
  const [, name = "", only] = /^(.*?)(?::(\d+))?$/.exec(exception) ?? [];
  if (isIP(exception) === 0 && only !== undefined && only !== port) return false;
  const plain = isIP(exception) === 0 ? name.replace(/^\*?\./, "") : exception;
  const isSubdomain = isIP(host) === 0 && host.endsWith(`.${plain}`);
  // With a dot in front only what is below it.
  return isSubdomain || (host === plain && !/^\*?\./.test(name));
}

function isIn(host: string, network: string): boolean {
  const [address = "", bits = ""] = network.split("/");
  const family = isIP(address);
  if (family === 0 || isIP(host) !== family || !/^\d{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128))
    return false;
  const list = new BlockList();
  const type = family === 4 ? "ipv4" : "ipv6";
  list.addSubnet(address, Number(bits), type);
  return list.check(host, type);
}
