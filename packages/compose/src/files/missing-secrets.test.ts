import { describe, expect, it } from "vitest";
import { placeholders, requireSecrets } from "./missing-secrets.ts";

const OPTIONS = { missingSecrets: { PASSWORD: "PROD_PASSWORD", KEY: "PROD_KEY" } };

describe("secrets that the run was not given", () => {
  it("have each a value of its own that nothing else has", () => {
    const values = Object.values(placeholders(OPTIONS));
    expect(new Set(values).size).toBe(2);
    expect(placeholders({})).toEqual({});
  });

  it("are no matter where they are not used", () => {
    expect(() => requireSecrets(OPTIONS, { services: { web: { environment: { A: "PASSWORD" } } } }, "x")).not.toThrow();
    expect(() => requireSecrets({}, { secrets: { db: { environment: "PASSWORD" } } }, "x")).not.toThrow();
    expect(() => requireSecrets(OPTIONS, undefined, "x")).not.toThrow();
  });

  it.each([
    ["in the middle of a text", () => ({ url: `postgres://app:${placeholders(OPTIONS).PASSWORD}@db` })],
    ["by the name of its variable", () => ({ db: { environment: "PASSWORD" } })],
  ])("are asked for where one is used %s", (_, used) => {
    expect(() => requireSecrets(OPTIONS, used(), "planning the way back")).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        got: "the secret PASSWORD is needed, and PROD_PASSWORD is not set or empty",
        next: expect.stringContaining("env: { PROD_PASSWORD: $"),
      }),
    );
  });
});
