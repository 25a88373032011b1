import { describe, expect, it } from "vitest";
import { BelayError } from "./errors.ts";
import { inService } from "./in-service.ts";

const failed = (): Promise<never> => Promise.reject(new BelayError("ENGINE_ERROR", { doing: "updating", got: "no" }));

describe("work on a service", () => {
  it("gives what it comes to", async () => {
    expect(await inService("web", async () => 1)).toBe(1);
  });

  it("names the service in what it throws, the innermost one", async () => {
    await expect(inService("web", failed)).rejects.toMatchObject({ code: "ENGINE_ERROR", service: "web" });
    await expect(inService("all", () => inService("web", failed))).rejects.toMatchObject({ service: "web" });
  });

  it("leaves what is not Belay's own as it is", async () => {
    const other = new Error("no");
    await expect(inService("web", () => Promise.reject(other))).rejects.toBe(other);
  });
});
