import type { Route } from "./answer.ts";

/** Artifact attestations, the newest first. */
export const ATTESTATION_ROUTES: Readonly<Record<string, Route>> = {
  "repos/list-attestations": ({ state, parameters }) => {
    const all = [...state.attestations].filter(([, { digest }]) => digest === parameters.subject_digest).reverse();
    const list = all.map(([id, { bundle, place }]) => ({
      repository_id: 1,
      initiator: "user",
      bundle: place === "inline" ? bundle : null,
      bundle_url: `${state.storageUrl}/_storage/attestations/${id}.json.sn`,
    }));
    return { list, cursors: true, wrap: (page) => ({ attestations: page }) };
  },
};

/** A Snappy block of literals only: any reader takes it. */
export function snap(text: string): Buffer {
  const bytes = Buffer.from(text);
  const head: number[] = [];
  let rest = bytes.length;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) head.push((rest % 0x80) + 0x80);
  head.push(rest);
  const size = Buffer.alloc(3);
  size.writeUIntLE(Math.max(0, bytes.length - 1), 0, 3);
  // 62: the length follows in three bytes.
  return Buffer.concat([Buffer.from(head), Buffer.from([62 << 2]), size, bytes]);
}
