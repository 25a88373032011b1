import { describe, expect, it } from "vitest";
import { dependencyLevels, dependencyOrder } from "./dependency-order.ts";

const one = (service: string, ...dependsOn: string[]) => ({ service, dependsOn });
const names = (all: readonly { readonly service: string }[]): string[] => all.map(({ service }) => service);

describe("services that wait for each other", () => {
  it("stand after what they depend on, otherwise as given", () => {
    const all = [one("web", "api", "elsewhere"), one("api", "migrate"), one("mail"), one("migrate")];
    expect(names(dependencyOrder(all))).toEqual(["migrate", "api", "web", "mail"]);
  });

  it("come in levels", () => {
    const levels = dependencyLevels([one("migrate"), one("mail"), one("api", "migrate"), one("web", "api", "mail")]);
    expect(levels.map(names)).toEqual([["migrate", "mail"], ["api"], ["web"]]);
  });
});
