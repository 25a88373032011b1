import { describe, expect, it } from "vitest";
import { type Operation, readDescription } from "./description.ts";
import { createFiller } from "./filler.ts";

const description = readDescription();
const none = new URLSearchParams();

function operation(id: string): Operation {
  const found = description.operations.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no operation ${id}`);
  return found;
}

describe("the description", () => {
  it("finds mistakes in requests", () => {
    const create = operation("issues/create-comment");
    const place = { owner: "acme", repo: "shop", issue_number: "7" };
    expect(create.requestMistake(none, place, { body: "x" })).toBeUndefined();
    expect(create.requestMistake(none, place, {})).toContain("must have required property 'body'");
    expect(create.requestMistake(none, place, undefined)).toContain("body");
    expect(create.requestMistake(none, place, { body: 1 })).toContain("must be string");
    expect(create.requestMistake(none, { ...place, issue_number: "seven" }, { body: "x" })).toContain(
      "path issue_number=seven",
    );
    const list = operation("issues/list-comments");
    expect(list.requestMistake(new URLSearchParams("per_page=100&page=2"), place, undefined)).toBeUndefined();
    expect(list.requestMistake(new URLSearchParams("since=yesterday"), place, undefined)).toContain("since=yesterday");
    expect(list.requestMistake(new URLSearchParams("sort=up"), place, undefined)).toBe("query sort is not described");
  });

  it("finds mistakes in answers", () => {
    const status = operation("repos/create-deployment-status");
    const right = createFiller(description)("deployment-status", { state: "success" });
    expect(status.answerMistake(201, right)).toBeUndefined();
    expect(status.answerMistake(201, { ...right, state: "fine" })).toContain("/state");
    expect(status.answerMistake(201, { ...right, created_at: "today" })).toContain("/created_at");
    expect(status.answerMistake(201, {})).toContain("must have required property");
    expect(status.answerMistake(200, right)).toBe("status 200 is not described");
    expect(operation("issues/delete-comment").answerMistake(204, { a: 1 })).toBe("status 204 has no body");
  });

  it("says null where the description allows it and nothing else", () => {
    const job = createFiller(description)("job", { id: 1 });
    expect(operation("actions/get-job-for-workflow-run").answerMistake(200, job)).toBeUndefined();
    expect(operation("actions/get-job-for-workflow-run").answerMistake(200, { ...job, conclusion: "good" })).toContain(
      "/conclusion",
    );
  });
});

describe("the filler", () => {
  it("makes a whole answer of every schema that is answered, from nothing", () => {
    const fill = createFiller(description);
    const schemas = {
      "pulls/get": "pull-request",
      "repos/get": "full-repository",
      "repos/get-commit": "commit",
      "git/get-ref": "git-ref",
    };
    for (const [id, schema] of Object.entries(schemas))
      expect(operation(id).answerMistake(200, fill(schema, {}))).toBeUndefined();
  });
});
