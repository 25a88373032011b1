import { expect, it } from "vitest";
import { engineErrorOf } from "./engine-error.ts";

const codeOf = (status: number, message: string): string =>
  engineErrorOf("listing the services", status, JSON.stringify({ message })).code;

it.each([
  [
    503,
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm',
  ],
  [503, "This node is not a swarm manager. Manager is being prepared or has trouble connecting to the cluster."],
  [
    500,
    "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers are online.",
  ],
  [500, "rpc error: code = DeadlineExceeded desc = context deadline exceeded"],
  [503, "rpc error: code = Unavailable desc = transport is closing"],
  [500, "context deadline exceeded"],
])("a swarm that can't act at this moment may be able to a moment later: %i %s", (status, message) => {
  expect(codeOf(status, message)).toBe("ENGINE_UNREACHABLE");
});

it("an engine that is just ending may be back a moment later", () => {
  expect(codeOf(500, "create belay.659338790f88.0004.beat.2: database not open")).toBe("ENGINE_UNREACHABLE");
  expect(codeOf(404, "no such volume: database not open")).toBe("ENGINE_ERROR");
});

it.each([
  [500, "rpc error: code = Unknown desc = update out of sequence"],
  [404, "service shop_web not found"],
  [400, "rpc error: code = InvalidArgument desc = context deadline exceeded"],
  [500, "Get https://registry.test/v2/: context deadline exceeded"],
])("anything else the engine means: %i %s", (status, message) => {
  expect(codeOf(status, message)).toBe("ENGINE_ERROR");
});
