import { expect, test } from "vitest";
import { apiErrorOf, isMissing, isTaken, statusOf } from "./api-error.ts";

const status = (code: number, message: string, reason = "") => ({ code, reason, message, details: {} });

test.each([
  [401, "Unauthorized", "ENGINE_FORBIDDEN"],
  [403, 'deployments.apps "web" is forbidden: User "ci" cannot patch resource', "ENGINE_FORBIDDEN"],
  [403, 'pods "web-1" is forbidden: exceeded quota: full', "ENGINE_ERROR"],
  [403, 'pods "web-1" is forbidden: violates PodSecurity "restricted:latest"', "ENGINE_ERROR"],
  [404, 'deployments.apps "web" not found', "ENGINE_ERROR"],
  [409, "the object has been modified", "ENGINE_ERROR"],
  [422, "field is immutable", "ENGINE_ERROR"],
  [429, "too many requests", "ENGINE_UNREACHABLE"],
  [500, "etcdserver: request timed out", "ENGINE_UNREACHABLE"],
  [503, "apiserver is shutting down", "ENGINE_UNREACHABLE"],
] as const)("an answer %i (%s) is %s", (code, message, expected) => {
  const error = apiErrorOf("doing it", status(code, message));
  expect(error).toMatchObject({ code: expected, status: code, apiMessage: message });
  expect(error.message).toContain(message);
});

test("a webhook that can't be called is named, with what to do", () => {
  const message = 'Internal error occurred: failed calling webhook "rules.shop.example": failed to call webhook: EOF';
  expect(apiErrorOf("doing it", status(500, message)).next).toContain("webhook rules.shop.example about each change");
  expect(apiErrorOf("doing it", status(500, "etcdserver: request timed out")).next).toBeUndefined();
});

test("a Status is read; whatever else comes is its own message", () => {
  const details = { causes: [{ reason: "FieldManagerConflict", message: "conflict with kubectl", field: ".spec" }] };
  const body = JSON.stringify({ kind: "Status", code: 409, reason: "Conflict", message: "no", details });
  expect(statusOf(409, body)).toEqual({ code: 409, reason: "Conflict", message: "no", details });
  expect(statusOf(502, "<html>Bad Gateway</html>")).toMatchObject({ code: 502, message: "<html>Bad Gateway</html>" });
  expect(statusOf(502, "x".repeat(5_000)).message).toMatch(/^x{999}…$/);
  expect(statusOf(500, "").message).toBe("HTTP status 500 without a message");
});

test("what is missing is told from what is taken", () => {
  expect(isMissing(apiErrorOf("x", status(404, "no")))).toBe(true);
  expect(isTaken(apiErrorOf("x", status(409, "no")))).toBe(true);
  expect(isMissing(new Error("404"))).toBe(false);
});
