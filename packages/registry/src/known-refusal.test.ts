import { describe, expect, it } from "vitest";
import { blobOfBytes } from "./blob-source.ts";
import { clientFor } from "./testing/client-for.ts";
import { startFakeRegistry } from "./testing/fake-registry.ts";

const body = (code: string, message: string, detail?: unknown) =>
  JSON.stringify({ errors: [{ code, message, detail }] });
const MANIFEST = { digest: "sha256:x" as const, mediaType: "application/json", bytes: Buffer.from("{}") };

/** What the registries answer, as their users and sources have it. */
const REFUSALS = [
  [
    "ECR, immutable",
    400,
    body(
      "TAG_INVALID",
      "The image tag 'v1' already exists in the 'web' repository and cannot be overwritten because the tag is immutable.",
    ),
    "TAG_TAKEN",
    "immutability rule",
  ],
  [
    "ECR, its API's words",
    400,
    '{"__type":"ImageTagAlreadyExistsException","message":"exists"}',
    "TAG_TAKEN",
    "immutability rule",
  ],
  [
    "Harbor, immutable",
    412,
    body("PRECONDITION", "Failed to process request due to 'web:v1' configured as immutable."),
    "TAG_TAKEN",
    "immutability rule",
  ],
  [
    "Quay, immutable",
    409,
    body("UNKNOWN", "tag is immutable and cannot be overwritten"),
    "TAG_TAKEN",
    "immutability rule",
  ],
  [
    "GitLab, protected",
    403,
    body("DENIED", "requested access to the resource is denied: protected tag"),
    "TAG_TAKEN",
    "protection rule",
  ],
  [
    "ACR, locked",
    405,
    body("DENIED", "The operation is disallowed on this registry, repository or image."),
    "TAG_TAKEN",
    "unlock it",
  ],
  [
    "Harbor, quota",
    403,
    body(
      "DENIED",
      "adding 29.0 MiB of storage resource, which when updated to current usage of 152.4 MiB will exceed the configured upper limit of 10.0 MiB.",
    ),
    "PUSH_FAILED",
    "quota raised",
  ],
  ["Quay, quota", 403, body("DENIED", "Quota has been exceeded on namespace"), "PUSH_FAILED", "quota raised"],
  [
    "distribution, full disk",
    500,
    body("UNKNOWN", "unknown error", { DriverName: "filesystem", Enclosed: { Op: "write", Path: "/data", Err: 28 } }),
    "PUSH_FAILED",
    "disk is full",
  ],
  [
    "ECR, no repository",
    404,
    body("NAME_UNKNOWN", "The repository with name 'web' does not exist in the registry with id '1'"),
    "PUSH_FAILED",
    "Make the repository",
  ],
  [
    "Harbor, read only",
    403,
    body("DENIED", "The system is in read only mode. Any modification is prohibited."),
    "PUSH_FAILED",
    "maintenance",
  ],
  [
    "Harbor, policy",
    412,
    body("PROJECTPOLICYVIOLATION", "current image with 3 vulnerabilities cannot be pulled"),
    "REGISTRY_ERROR",
    "policy",
  ],
  [
    "a permission that is missing",
    403,
    body("DENIED", "requested access to the resource is denied"),
    "REGISTRY_UNAUTHORISED",
    "docker login",
  ],
] as const;

describe("a registry that refuses", () => {
  it.each(REFUSALS)("%s: %i is told with what to do next", async (_name, status, text, code, next) => {
    await using registry = await startFakeRegistry();
    const { client } = clientFor(undefined, { attempts: 1 });
    registry.fault({ when: /manifests|blobs/, status, body: text });
    const pushing = client.putManifest(`${registry.address}/web`, "v1", MANIFEST);
    await expect(pushing).rejects.toMatchObject({ code, message: expect.stringContaining(next) });
    if (status !== 404) {
      const uploading = client.upload(`${registry.address}/web`, blobOfBytes(Buffer.from("x")));
      await expect(uploading).rejects.toMatchObject({ code: expect.any(String) });
    }
    client.close();
  });

  it("with words of its own can neither write commands nor fill the log", async () => {
    await using registry = await startFakeRegistry();
    const { client } = clientFor(undefined, { attempts: 1 });
    const words = `\u001b[31m\n::set-output name=x::y\n\u202e${"long ".repeat(500)}`;
    registry.fault({ when: /manifests/, status: 400, body: body("X", words) });
    const failed = await client.putManifest(`${registry.address}/web`, "v1", MANIFEST).catch((error: Error) => error);
    const { message } = failed as Error;
    for (const hidden of ["\n", "\u001b", "\u202e"]) expect(message).not.toContain(hidden);
    expect(message.length).toBeLessThan(600);
    client.close();
  });
});
