import { expect, it } from "vitest";
import { COMMANDS } from "./commands.ts";
import { generalHelp } from "./help.ts";

it("tells of no option without a value that it is true or false", () => {
  const flags = COMMANDS.flatMap((command) => command.options).filter((option) => option.kind === "flag");
  expect(flags.map((option) => option.name)).toContain("allow-older");
  expect(flags.filter((option) => /true or false/.test(option.description))).toEqual([]);
});

it("tells every exit code", () => {
  const help = generalHelp("1", COMMANDS);
  const codes = Array.from({ length: 18 }, (_, code) => code);
  expect(codes.filter((code) => !new RegExp(`\\b${code} [a-z]`).test(help))).toEqual([]);
});
