import { generateKeyPairSync, sign } from "node:crypto";
import { type Digest, sha256 } from "@belay/core";
import { expect, it } from "vitest";
import { judgeKeyBundle } from "./judge-key-bundle.ts";
import { PAYLOAD_TYPE, PROVENANCE, SIGNED } from "./statement.ts";

const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const others = generateKeyPairSync("ec", { namedCurve: "P-256" });
const [image, other] = [sha256("image"), sha256("other")];

interface Said {
  readonly of?: readonly Digest[];
  readonly predicateType?: string;
  readonly payloadType?: string;
  /** What the signature is of. Default: the payload type of the bundle. */
  readonly signedType?: string;
  readonly key?: typeof privateKey;
  readonly tlogEntries?: readonly unknown[];
}

function bundle({ of = [image], predicateType = SIGNED, payloadType = PAYLOAD_TYPE, ...more }: Said = {}) {
  const { signedType = payloadType, key = privateKey, tlogEntries } = more;
  const subject = of.map((digest) => ({ digest: { sha256: digest.slice("sha256:".length) } }));
  const payload = JSON.stringify({ _type: "https://in-toto.io/Statement/v1", subject, predicateType, predicate: {} });
  const encoded = `DSSEv1 ${signedType.length} ${signedType} ${payload.length} ${payload}`;
  const sig = sign("sha256", Buffer.from(encoded), key).toString("base64");
  return {
    verificationMaterial: { publicKey: { hint: "x" }, ...(tlogEntries === undefined ? {} : { tlogEntries }) },
    dsseEnvelope: { payload: Buffer.from(payload).toString("base64"), payloadType, signatures: [{ sig }] },
  };
}

it("takes a signature of the image by the key, and says whether a log's entry is in it", () => {
  expect(judgeKeyBundle(bundle(), image, publicKey)).toEqual({ logged: false });
  expect(judgeKeyBundle(bundle({ of: [other, image] }), image, publicKey)).toEqual({ logged: false });
  expect(judgeKeyBundle(bundle({ tlogEntries: [] }), image, publicKey)).toEqual({ logged: false });
  expect(judgeKeyBundle(bundle({ tlogEntries: [{}] }), image, publicKey)).toEqual({ logged: true });
});

it.each([
  ["of another image", bundle({ of: [other] })],
  ["of nothing", bundle({ of: [] })],
  ["of another key", bundle({ key: others.privateKey })],
  ["of something else about the image: an attestation", bundle({ predicateType: PROVENANCE })],
  ["that is of another kind of payload", bundle({ payloadType: "text/plain" })],
  ["that was made of another kind of payload", bundle({ signedType: "text/plain" })],
  ["without a signature", { ...bundle(), dsseEnvelope: { ...bundle().dsseEnvelope, signatures: [] } }],
  ["that is none", { verificationMaterial: {}, messageSignature: {} }],
])("takes none %s", (_what, found) => {
  expect(judgeKeyBundle(found, image, publicKey)).toBeUndefined();
});
