import { resolve } from "node:path";
import type { Path } from "./config-source.ts";
import type { Resolution } from "./resolution.ts";
import type { ServiceSettings, SignatureRequirement } from "./settings.ts";
import type { SignatureData } from "./signature-schema.ts";

/** Issuer of the tokens of GitHub Actions (docs.github.com, "OpenID Connect reference"). */
const GITHUB = "https://token.actions.githubusercontent.com";

export interface SignatureSources {
  readonly resolution: Resolution;
  readonly path: Path;
  readonly directory: string;
  readonly data: SignatureData | undefined;
  /** The input of the same name: the path of a key, or an identity, which is an address. */
  readonly given: string | undefined;
  readonly services: Readonly<Record<string, ServiceSettings>>;
}

/** Who has to have signed the images of an environment. An input wins over the file. */
export function resolveSignature(sources: SignatureSources): SignatureRequirement | undefined {
  const { resolution, path, directory, given } = sources;
  const data = resolution.fill(sources.data, path) ?? {};
  const except = exceptOf(sources, data.except);
  const [identity, key] = /^https?:\/\//.test(given ?? "") ? [given, undefined] : [undefined, given];
  if (key !== undefined || (identity === undefined && data.key !== undefined)) {
    const name = resolution.text("require-signature", key, "path", [...path, "key"], data.key) ?? "";
    return { keyFile: resolve(directory, name), ...except };
  }
  const who = resolution.text("require-signature", identity, "word", [...path, "identity"], data.identity);
  if (who === undefined) return undefined;
  const { issuer = GITHUB, repository, "trusted-root": root } = data;
  resolution.check(issuer, "url", [...path, "issuer"]);
  if (repository !== undefined) resolution.check(repository, "repository", [...path, "repository"]);
  const trust = root === undefined ? {} : { trustedRoot: resolve(directory, root) };
  return { identity: who, issuer, ...(repository === undefined ? {} : { repository }), ...trust, ...except };
}

/** What this file does not pin could be any image when it is deployed. */
function exceptOf(
  { resolution, path, services }: SignatureSources,
  names: readonly string[] | undefined,
): Pick<SignatureRequirement, "except"> {
  for (const [index, name] of (names ?? []).entries()) {
    const service = Object.hasOwn(services, name) ? services[name] : undefined;
    if (service?.build === undefined && service?.reference?.digest !== undefined) continue;
    const why =
      service === undefined
        ? `there is no service ${name}`
        : service.build !== undefined
          ? `${name} is built here: sign it`
          : `${name} is not pinned: write its image as repository@sha256:…`;
    resolution.complain([...path, "except", index], `\`${[...path, "except"].join(".")}\`: ${why}`);
  }
  return names === undefined ? {} : { except: names };
}
