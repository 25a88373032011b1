import { describe, expect, it } from "vitest";
import { dependencyLevels, dependencyOrder } from "./dependency-order.ts";

const one = (service: string, ...dependsOn: string[]) => ({ service, dependsOn });
const names = (all: readonly { readonly service: string }[]): string[] => all.map(({ service }) => service);

describe("services that wait for each other", () => {
  it("stand after what they depend on, otherwise as given", () => {
    const all = [one("web", "api", "elsewhere"), one("api", "migrate"), one("mail"), one("migrate")];
    expect(names(dependencyOrder(all))).toEqual(["migrate", "api", "web", "mail"]);
  });

  it("come to an end in a circle, which is cut where it closes", () => {
    const all = [one("mail"), one("web", "api"), one("api", "queue"), one("queue", "web"), one("self", "self")];
    expect(names(dependencyOrder(all))).toEqual(["mail", "queue", "api", "web", "self"]);
  });

  it("come in levels", () => {
    const levels = dependencyLevels([one("migrate"), one("mail"), one("api", "migrate"), one("web", "api", "mail")]);
    expect(levels.map(names)).toEqual([["migrate", "mail"], ["api"], ["web"]]);
  });
});
