import { BelayError } from "@belay/core";
import { describe, expect, it } from "vitest";
import { causeOf } from "./carry-out.ts";

function thrown(code: ConstructorParameters<typeof BelayError>[0], service?: string): BelayError {
  const error = new BelayError(code, { doing: "updating the service shop_web", got: "port 80 is taken" });
  error.service = service;
  return error;
}

describe("the cause of an act that threw", () => {
  it.each([
    ["start_failed", "ENGINE_ERROR", "web", "web"],
    ["start_failed", "PROCESS_FAILED", "web", "web"],
    ["start_failed", "ENGINE_FORBIDDEN", "web", "web"],
    ["start_failed", "ENGINE_ERROR", undefined, undefined],
    ["internal", "INTERNAL", "web", "web"],
    // That the engine is away is no service's fault.
    ["engine_unreachable", "ENGINE_UNREACHABLE", "web", undefined],
  ] as const)("is %s for %s, of %s", (cause, code, at, service) => {
    const found = causeOf(thrown(code, at));
    expect(found).toMatchObject({ cause, detail: expect.stringContaining("port 80 is taken") });
    expect(found.service).toBe(service);
  });

  it("is internal for what nobody has foreseen", () => {
    expect(causeOf(new TypeError("x is undefined"))).toMatchObject({ cause: "internal" });
  });
});
