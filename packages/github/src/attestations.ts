import { mapBounded, messageOf, oneLine } from "@belay/core";
import type { Api } from "./client.ts";
import { answeredStatus } from "./explain-error.ts";
import { at, isRecord, textAt } from "./json-path.ts";
import { MOST_BYTES, unsnap } from "./unsnap.ts";

/** An artifact attestation: its Sigstore bundle, of which nothing is checked yet; or why it could not be had. */
export type KeptBundle = { readonly bundle: unknown } | { readonly why: string };

const PER_PAGE = 30;
/** More than anybody has of one image, and each is a request. */
const MOST_READ = 90;
const SIDE_BY_SIDE = 6;
const DEADLINE_MS = 10_000;

/**
 * What `actions/attest-build-provenance` and its like left at GitHub for a digest; none where it knows no such digest.
 * Source: REST API, "List attestations". It answers with `bundle: null` and a `bundle_url` for most of them (since July
 * 2026; cli/cli reads both): a signed address of a storage, which gets no token.
 */
export async function attestationsOf(
  { octokit, repo }: Api,
  digest: string,
  ask: typeof fetch,
): Promise<readonly KeptBundle[]> {
  const found: KeptBundle[] = [];
  const wanted = { ...repo, subject_digest: digest, per_page: PER_PAGE };
  try {
    for await (const { data } of octokit.paginate.iterator(octokit.rest.repos.listAttestations, wanted)) {
      const entries = at(data, "attestations");
      const page = (Array.isArray(entries) ? entries : []).slice(0, MOST_READ - found.length);
      found.push(...(await mapBounded(page, SIDE_BY_SIDE, undefined, (entry: unknown) => bundleOf(entry, ask))));
      if (found.length >= MOST_READ) break;
    }
  } catch (error) {
    if (answeredStatus(error) === 404) return found;
    throw error;
  }
  return found;
}

async function bundleOf(entry: unknown, ask: typeof fetch): Promise<KeptBundle> {
  const bundle = at(entry, "bundle");
  if (isRecord(bundle)) return { bundle };
  const url = textAt(entry, "bundle_url");
  if (url === undefined) return { why: "GitHub lists an attestation and does not give it" };
  // `fetch` would say which address it is that it does not take.
  if (!isStorage(url)) return { why: "GitHub names no address from which an attestation can be fetched safely" };
  try {
    const answer = await ask(url, { signal: AbortSignal.timeout(DEADLINE_MS), redirect: "error" });
    if (!answer.ok) throw new Error(`the status is ${answer.status}`);
    const bytes = await bodyOf(answer);
    // A Snappy block of JSON; `{` as the first byte of one would mean a text of 123 bytes, which no bundle is.
    return { bundle: JSON.parse((bytes[0] === 0x7b ? bytes : unsnap(bytes)).toString("utf8")) };
  } catch (error) {
    // Not the address: it lets whoever has it in.
    return { why: `an attestation could not be fetched from GitHub's storage: ${oneLine(messageOf(error), 200)}` };
  }
}

/** Only with TLS, except on this machine itself. */
function isStorage(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname, username, password } = new URL(address);
  if (username !== "" || password !== "") return false;
  return protocol === "https:" || (protocol === "http:" && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname));
}

/** @throws Error as soon as it is larger than any attestation, without reading the rest */
async function bodyOf({ body }: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > MOST_BYTES) throw new Error(`it is larger than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
