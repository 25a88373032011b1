import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { IssuedToken, TokenUser } from "@belay/testkit";

/** As `docker login` leaves it in `auths`. */
export const basic = (user: string, password: string) => ({
  auth: Buffer.from(`${user}:${password}`).toString("base64"),
});

/** Writes what `DOCKER_CONFIG` names. */
export function writeDockerConfig(folder: string, value: unknown): Promise<void> {
  return writeFile(join(folder, "config.json"), JSON.stringify(value));
}

/** A credential helper: a real program that answers `get` with these credentials, and nothing else. */
export async function writeHelper(
  folder: string,
  name: string,
  address: string,
  { user, secret }: { readonly user: string; readonly secret: string },
): Promise<void> {
  const path = join(folder, `docker-credential-${name}`);
  const answer = JSON.stringify({ ServerURL: address, Username: user, Secret: secret });
  await writeFile(join(folder, `${name}.json`), answer);
  const lines = [
    "#!/bin/sh",
    "read server",
    `[ "$1 $server" = "get ${address}" ] && exec cat ${folder}/${name}.json`,
    'echo "credentials not found in native keychain"',
    "exit 1",
  ];
  await writeFile(path, lines.join("\n"));
  await chmod(path, 0o755);
}

/** How somebody is known to a token service and to docker. */
export interface TokenLogin {
  readonly name: string;
  /** What the service knows of `ada`. */
  readonly ada: TokenUser;
  readonly secret: string;
  /** How the service is asked with it. */
  readonly method: IssuedToken["method"];
  /** Leaves it in a folder that is `DOCKER_CONFIG`, and in the PATH. */
  readonly logIn: (folder: string, address: string) => Promise<void>;
}

const [PASSWORD, REFRESH] = ["s3cret:with:colons", "refresh-me-s3cret"];
/** Of the form of a service account's key of Google: commas, blanks and lines. */
const KEY = '{\n "type": "service_account", "private_key": "-----BEGIN s3cret-----\\n$(id)"\n}';
/** The user name that `az acr login` writes beside an identity token. */
const NOBODY = "00000000-0000-0000-0000-000000000000";

async function byHelper(folder: string, address: string, user: string, secret: string): Promise<void> {
  await writeHelper(folder, "own", address, { user, secret });
  await writeDockerConfig(folder, { credHelpers: { [address]: "own" } });
}

export const TOKEN_LOGINS: readonly TokenLogin[] = [
  {
    ...{ name: "a password in the docker config", ada: { password: PASSWORD }, secret: PASSWORD, method: "GET" },
    logIn: (folder, address) => writeDockerConfig(folder, { auths: { [address]: basic("ada", PASSWORD) } }),
  },
  {
    ...{ name: "a key of commas, blanks and lines", ada: { password: KEY }, secret: "BEGIN s3cret", method: "GET" },
    logIn: (folder, address) => writeDockerConfig(folder, { auths: { [address]: basic("ada", KEY) } }),
  },
  {
    ...{ name: "a credential helper", ada: { password: PASSWORD }, secret: PASSWORD, method: "GET" },
    logIn: (folder, address) => byHelper(folder, address, "ada", PASSWORD),
  },
  {
    ...{ name: "an identity token in the docker config", ada: { refreshToken: REFRESH }, secret: REFRESH },
    method: "POST",
    logIn: (folder, address) =>
      writeDockerConfig(folder, { auths: { [address]: { ...basic(NOBODY, ""), identitytoken: REFRESH } } }),
  },
  {
    ...{ name: "an identity token of a helper", ada: { refreshToken: REFRESH }, secret: REFRESH, method: "POST" },
    logIn: (folder, address) => byHelper(folder, address, "<token>", REFRESH),
  },
];
