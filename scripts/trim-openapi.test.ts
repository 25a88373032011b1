import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, it } from "vitest";
import { type JsonObject, OPERATIONS, trimOpenApi } from "./trim-openapi.ts";

const read = (path: string): JsonObject => JSON.parse(readFileSync(path, "utf8")) as JsonObject;

it("the simulator's description is what the script makes of the installed one", () => {
  const full = read(createRequire(import.meta.url).resolve("@octokit/openapi/generated/api.github.com.json"));
  const committed = read(new URL("../packages/testkit/src/github/openapi.json", import.meta.url).pathname);
  expect(trimOpenApi(full, OPERATIONS)).toEqual(committed);
});

it("keeps what an operation refers to, and properties that are called like prose", () => {
  const thing = { type: "object", description: "prose", properties: { description: { type: "string", example: "x" } } };
  const operation = (id: string): JsonObject => ({
    operationId: id,
    summary: "prose",
    responses: { "200": { $ref: "#/components/responses/thing" } },
  });
  const full: JsonObject = {
    openapi: "3.0.3",
    info: { title: "t" },
    paths: { "/a": { get: operation("a/get"), post: operation("a/post") }, "/b": { get: operation("b/get") } },
    components: {
      responses: { thing: { content: { "application/json": { schema: { $ref: "#/components/schemas/thing" } } } } },
      schemas: { thing, unused: {} },
    },
  };
  const trimmed = trimOpenApi(full, ["a/get"]);
  expect(trimmed.paths).toEqual({
    "/a": { get: { operationId: "a/get", responses: { "200": { $ref: "#/components/responses/thing" } } } },
  });
  expect(trimmed.components).toMatchObject({
    schemas: { thing: { type: "object", properties: { description: { type: "string" } } } },
  });
  expect(JSON.stringify(trimmed)).not.toMatch(/prose|unused/);
});
