import type { ServerResponse } from "node:http";
import { startFakeDocker } from "@belay/testkit";
import { expect, test } from "vitest";
import { connectDocker } from "./connect-docker.ts";

const event = (n: number): string =>
  `${JSON.stringify({ Type: "container", Action: `a${n}`, Actor: { ID: "x" }, time: 100 + n, timeNano: (100 + n) * 1e9 })}\n`;

/** An engine whose n-th event stream is answered by the n-th of `streams`; the last one stays open. */
async function engine(streams: readonly ((response: ServerResponse) => void)[]) {
  let count = 0;
  return startFakeDocker({
    answer: (_request, response) => streams[Math.min(count++, streams.length - 1)]?.(response),
  });
}

test("a broken stream is resumed from the last event on, and nothing comes twice", async () => {
  await using fake = await engine([
    (response) => response.write(event(1) + event(2), () => response.socket?.destroySoon()),
    (response) => response.end(event(2) + event(3)),
    (response) => response.write(event(2) + event(3) + event(4)),
  ]);
  const docker = await connectDocker({ cli: fake.cli });
  const stop = new AbortController();
  const seen: string[] = [];
  let broken = 0;
  for await (const { Action } of docker.events({
    since: 99.5,
    signal: stop.signal,
    filters: { type: ["container"] },
    onBroken: () => {
      broken += 1;
    },
  })) {
    seen.push(Action);
    if (Action === "a4") stop.abort();
  }
  expect(seen).toEqual(["a1", "a2", "a3", "a4"]);
  expect(broken).toBe(2);
  const since = fake.requests.slice(1).map((line) => new URL(`http://x${line.slice(4)}`).searchParams.get("since"));
  expect(since).toEqual(["99.500000000", "101.000000000", "102.000000000"]);
  await docker.close();
});

test("the signal ends a silent stream at once", async () => {
  await using fake = await engine([(response) => response.flushHeaders()]);
  const docker = await connectDocker({ cli: fake.cli });
  const signal = AbortSignal.timeout(30);
  for await (const _event of docker.events({ signal })) throw new Error("there is none");
  expect(signal.aborted).toBe(true);
  await docker.close();
});

test("an engine that does not come back ends the patience", async () => {
  await using fake = await engine([(response) => response.socket?.destroy()]);
  const docker = await connectDocker({ cli: fake.cli });
  await fake.refuse("dial unix /x.sock: connect: connection refused");
  const everything = all(docker.events({ signal: AbortSignal.timeout(20_000), giveUpAfterMs: 200 }));
  await expect(everything).rejects.toMatchObject({ code: "ENGINE_UNREACHABLE" });
  expect((await fake.dials()).length).toBeGreaterThan(2);
  await docker.close();
});

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of source) found.push(one);
  return found;
}
