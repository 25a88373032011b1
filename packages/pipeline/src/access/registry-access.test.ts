import type { Docker } from "@belay/docker";
import { expect, test } from "vitest";
import { imageAvailability } from "./registry-access.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

test.each([
  [`nginx:1.27@${DIGEST}`, "docker.io"],
  [`acme/shop@${DIGEST}`, "docker.io"],
  [`docker.io/acme/shop:1@${DIGEST}`, "docker.io"],
  [`ghcr.io/acme/shop@${DIGEST}`, "ghcr.io"],
  [`127.0.0.1:5000/shop@${DIGEST}`, "127.0.0.1:5000"],
])("whether the engine gets %s is asked with the credentials of %s", async (reference, registry) => {
  const auth = { username: "ada", password: "s3cret", serveraddress: registry };
  const distribution = async (...asked: unknown[]) => expect(asked).toEqual([reference, { auth }]);
  const credentials = async (asked: string) => (asked === registry ? auth : undefined);
  const isThere = imageAvailability({ images: { distribution } } as unknown as Docker, {
    credentialsFor: async () => undefined,
    engineAuth: credentials,
  });
  expect(await isThere(reference)).toBe("yes");
});
