import { Inputs } from "@belay/core";
import { expect, it } from "vitest";
import { loadCommonInputs } from "./use-case-inputs.ts";

const load = (token: string) => loadCommonInputs(new Inputs((name) => (name === "github-token" ? token : undefined)));

it.each(["ghs_abc\nghs_def", "ghs abc", "ghs_äbc"])(
  "refuses the token %j, which is none, and does not show it",
  (token) => {
    expect(() => load(token)).toThrow(
      "reading input `github-token`: it holds white space or characters that no token has",
    );
    expect(() => load(token)).not.toThrow(/bc/);
  },
);

it.each(["", "ghs_16C7e42F292c6912E7710c838347Ae178B4a", "github_pat_11AAAA_b-c.d"])("takes %j", (token) => {
  expect(load(` ${token}\n`).githubToken).toBe(token);
});
