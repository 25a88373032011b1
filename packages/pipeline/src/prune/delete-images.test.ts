import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Clock, createRunner, type Digest, Redactor, sha256, systemClock } from "@belay/core";
import {
  createAuthenticator,
  createRegistryClient,
  type ImageChoice,
  insecureRegistries,
  type RegistryClient,
} from "@belay/registry";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createContext } from "../testing/create-context.ts";
import { deleteImages } from "./delete-images.ts";
import type { LookAgain } from "./fresh-choices.ts";

/** What a registry that deletes was asked to delete, in order. Each takes 20 s. */
let gone: string[];
let time: number;
let server: Server;
let client: RegistryClient;
let repository: string;
const clock: Clock = { ...systemClock, now: () => time };
const digest = (name: string): Digest => sha256(name);

beforeEach(async () => {
  [gone, time] = [[], 0];
  server = createServer((request, response) => {
    if (request.method === "DELETE") {
      gone.push(request.url?.split("/").at(-1) ?? "");
      time += 20_000;
    }
    response.writeHead(202).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  repository = `127.0.0.1:${(server.address() as AddressInfo).port}/shop`;
  const redactor = new Redactor();
  const auth = createAuthenticator({ env: { DOCKER_CONFIG: "/nowhere" }, runner: createRunner(redactor), redactor });
  const { log } = createContext("/nowhere");
  client = createRegistryClient({ auth, redactor, log, clock: systemClock, insecure: insecureRegistries(), env: {} });
});
afterEach(async () => {
  client.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function image(name: string, parts: readonly string[], keep = false): ImageChoice {
  const manifests = new Map([name, ...parts].map((one) => [digest(one), 1] as const));
  const nothing = new Map<Digest, number>();
  const stored = { digest: digest(name), tags: [`sha-${name}`], manifests, attached: nothing, blobs: nothing };
  return { image: stored, keep, why: keep ? "it runs" : "nothing needs it" };
}

const remove = (choices: readonly ImageChoice[], look: LookAgain) =>
  deleteImages({ ...createContext("/nowhere"), clock }, client, repository, choices, look);

it("looks again before the first deletion, and later when the last look is too old", async () => {
  let looks = 0;
  const look: LookAgain = async (choices) => {
    looks++;
    const needed = looks === 1 ? ["a"] : ["a", "b", "d"];
    const names = needed.map(digest);
    return choices.map((one) => (names.includes(one.image.digest) ? { ...one, keep: true, why: "it runs" } : one));
  };
  const choices = [image("kept", [], true), image("a", []), image("b", ["b1", "b2"]), image("c", []), image("d", [])];
  const done = await remove(choices, look);
  // The second look comes when b and one of its platforms are gone: the other one stays.
  expect(gone).toEqual([digest("b"), digest("b1"), digest("c")]);
  expect(done.deleted).toBe(3);
  expect(done.choices.map(({ keep }) => keep)).toEqual([true, true, false, false, true]);
});

it("deletes nothing when looking again fails, and does not look when all stay", async () => {
  const fails: LookAgain = async () => {
    throw new Error("production can't be read");
  };
  await expect(remove([image("a", [])], fails)).rejects.toThrow("production can't be read");
  expect(gone).toEqual([]);
  expect(await remove([image("kept", [], true)], fails)).toMatchObject({ deleted: 0 });
});
