import { expect } from "vitest";
import type { Seen, TypedStatus } from "./workflow-stage.ts";

export interface Known {
  /** What was seen from outside at the same time. */
  readonly seen: Seen;
  readonly deployment: number;
  readonly by: string | RegExp;
  readonly rolledBackTo?: number;
}

/** `belay status` says what is seen from outside: image, commit, instances by health; and what the ledger knows beside it. */
export function expectStatus({ web, text }: { readonly web: TypedStatus; readonly text: string }, known: Known): void {
  const { seen, deployment, by, rolledBackTo } = known;
  const [image = ""] = seen.images;
  const count = seen.ids.length;
  expect(web).toMatchObject({ image, ready: count, desired: count, deployment, source: { revision: seen.commits[0] } });
  expect(web.digests).toContain(image.split("@")[1]);
  expect(Object.entries(web.health)).toEqual([[expect.stringMatching(/healthy|ready|running/), count]]);
  expect(web.by).toMatch(by);
  expect(web.rolledBackTo).toBe(rolledBackTo);
  expect(Math.abs(Date.now() - Date.parse(web.since))).toBeLessThan(3_600_000);
  for (const told of [image, seen.commits[0]?.slice(0, 7) ?? "", web.revision.slice(0, 7), web.by]) {
    expect(text).toContain(told);
  }
}
