import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { commentMarker } from "./render/comment-marker.ts";
import { startTestRig, type TestRig } from "./testing/test-rig.ts";

const BOT = "github-actions[bot]";
const MARKER = commentMarker("shop");
const request = { pullRequest: 7, application: "shop", body: "### Deployed" };

let test: TestRig;

beforeEach(async () => {
  test = await startTestRig();
});

afterEach(async () => {
  expect(test.rig.violations).toEqual([]);
  await test.rig.close();
});

const bodies = (): string[] => test.rig.comments(7).map((comment) => comment.body);
const writes = (): string[] => test.rig.requests.filter((one) => one.method !== "GET").map((one) => one.method);

describe("the sticky comment", () => {
  it("is created once, updated when it changed, and left alone when it did not", async () => {
    const github = test.github();
    expect(await github.upsertComment(request)).toMatchObject({ done: true, value: { change: "created" } });
    expect(await github.upsertComment(request)).toMatchObject({ done: true, value: { change: "unchanged" } });
    expect(await github.upsertComment({ ...request, body: "### Rolled back" })).toMatchObject({
      value: { change: "updated" },
    });
    expect(bodies()).toEqual([`${MARKER}\n### Rolled back`]);
    expect(writes()).toEqual(["POST", "PATCH"]);
  });

  it("is one per application", async () => {
    const github = test.github();
    await github.upsertComment(request);
    await github.upsertComment({ ...request, application: "shop --> <b>" });
    expect(test.rig.comments(7)).toHaveLength(2);
    expect(bodies()[1]?.split("\n")[0]).toBe("<!-- belay:comment application=shop%20--%3E%20%3Cb%3E -->");
  });

  it("is found behind 250 others, on the third page", async () => {
    for (let number = 1; number <= 250; number++) test.rig.addComment(7, "ada", `comment ${number}`);
    const ours = test.rig.addComment(7, BOT, `${MARKER}\nold`);
    expect(await test.github().upsertComment(request)).toMatchObject({ value: { id: ours.id, change: "updated" } });
    expect(test.rig.requests.filter((one) => one.operation === "issues/list-comments")).toHaveLength(3);
  });

  it("is not taken from somebody who wrote our marker, nor from a bot that quoted it", async () => {
    test.rig.addComment(7, "mallory", `${MARKER}\nhostile`);
    test.rig.addComment(7, BOT, `> quoted\n${MARKER}\nhostile`);
    expect(await test.github().upsertComment(request)).toMatchObject({ value: { change: "created" } });
    expect(bodies()).toEqual([`${MARKER}\nhostile`, `> quoted\n${MARKER}\nhostile`, `${MARKER}\n### Deployed`]);
  });

  it("may be somebody else's by the input comment-author", async () => {
    const old = test.rig.addComment(7, "Acme-Deploy[bot]", `${MARKER}\nold`);
    const github = test.github({ commentAuthor: "acme-deploy[bot]" });
    expect(await github.upsertComment(request)).toMatchObject({ value: { id: old.id, change: "updated" } });
  });

  it("belongs to the person whose token it is", async () => {
    const old = test.rig.addComment(7, "Grace", `${MARKER}\nold`);
    test.rig.addComment(7, BOT, `${MARKER}\nnot of this token`);
    expect(await test.github({ token: "person" }).upsertComment(request)).toMatchObject({ value: { id: old.id } });
  });

  it("of an App is found again though nobody told its name", async () => {
    const app = (): ReturnType<TestRig["github"]> => test.github({ token: "app" });
    await app().upsertComment(request);
    expect(await app().upsertComment({ ...request, body: "second" })).toMatchObject({ value: { change: "updated" } });
    expect(bodies()).toEqual([`${MARKER}\nsecond`]);
  });

  it("stays one when eight runs come at once", async () => {
    // Every first look is answered late, so that all have looked before the first one writes.
    test.rig.fail({ fault: { slowMs: 200 }, method: "GET", times: 8 });
    const runs = Array.from({ length: 8 }, (_none, index) =>
      test.github().upsertComment({ ...request, body: `run ${index}` }),
    );
    for (const result of await Promise.all(runs)) expect(result.done).toBe(true);
    expect(writes().filter((method) => method === "POST").length).toBeGreaterThan(1);
    expect(test.rig.comments(7)).toHaveLength(1);
  });

  it("becomes one again when a dead run left two", async () => {
    const first = test.rig.addComment(7, BOT, `${MARKER}\none`);
    test.rig.addComment(7, BOT, `${MARKER}\ntwo`);
    expect(await test.github().upsertComment(request)).toMatchObject({ value: { id: first.id, change: "updated" } });
    expect(bodies()).toEqual([`${MARKER}\n### Deployed`]);
  });

  it("is made anew when somebody removed it in between", async () => {
    test.rig.addComment(7, BOT, `${MARKER}\nold`);
    test.rig.fail({ fault: { status: 404 }, method: "PATCH", times: 1 });
    expect(await test.github().upsertComment(request)).toMatchObject({ done: true });
    expect(bodies().at(-1)).toBe(`${MARKER}\n### Deployed`);
  });

  it("is not doubled when the answer to its creation is lost", async () => {
    test.rig.fail({ fault: { cut: "after" }, method: "POST", times: 1 });
    expect(await test.github().upsertComment(request)).toMatchObject({ done: true });
    expect(test.rig.comments(7)).toHaveLength(1);
    test.rig.fail({ fault: { cut: "before" }, method: "POST", times: 1 });
    expect(await test.github().upsertComment({ ...request, application: "blog" })).toMatchObject({ done: true });
    expect(test.rig.comments(7)).toHaveLength(2);
  });

  it("fits GitHub's limit whatever it is made of", async () => {
    for (const letter of ["x", "é", "🌈"]) {
      const body = `### Head\n${`${letter.repeat(50)}\n`.repeat(4_000)}`;
      expect(await test.github().upsertComment({ ...request, application: letter, body })).toMatchObject({
        done: true,
      });
      expect(bodies().at(-1)?.length).toBeLessThanOrEqual(65_536);
      expect(bodies().at(-1)).toContain("### Head");
    }
  });

  it("carries no secret", async () => {
    test.redactor.add("hunter2-hunter2");
    await test.github().upsertComment({ ...request, body: "password hunter2-hunter2" });
    expect(bodies()).toEqual([`${MARKER}\npassword ***`]);
  });
});
