/**
 * Address of a repository for people, from what `git remote get-url` gives: `git@host:acme/shop.git`,
 * `ssh://git@host:22/acme/shop`, `https://user:token@host/acme/shop.git`. User names and passwords are left out.
 * `undefined` for a path of this machine, which means nothing to others.
 */
export function webAddressOf(remote: string | undefined): string | undefined {
  if (remote === undefined) return undefined;
  const scp = /^(?:[\w.-]+@)?(?<host>[A-Za-z0-9][A-Za-z0-9.-]+):(?!\/\/)(?<path>[^\\].*)$/.exec(remote)?.groups;
  const text = scp === undefined ? remote : `ssh://${scp.host}/${scp.path?.replace(/^\/+/, "")}`;
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (!["http:", "https:", "ssh:", "git:"].includes(url.protocol) || url.hostname === "") return undefined;
  const path = url.pathname.replace(/\/+$/, "").replace(/\.git$/, "");
  return url.protocol.startsWith("http") ? `${url.protocol}//${url.host}${path}` : `https://${url.hostname}${path}`;
}
