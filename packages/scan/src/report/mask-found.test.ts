import { expect, it } from "vitest";
import { maskSecret } from "./mask-found.ts";

it.each([
  ["ENV C=hunter2 GITHUB_TOKEN=**** D=hunter2", "GITHUB_TOKEN=****"],
  [`RUN login --token="****" && echo 'token: ****'`, "token=****"],
  ["LABEL A = '***' B=****", "A=**** B=****"],
  ["RUN git clone https://hunter2:****@git.example/shop", "****"],
  ["ghp_****", "****"],
])("a line with a secret keeps what that is called there, and nothing else: %s", (line, kept) => {
  const secret = { RuleID: "github-pat", Match: line, Code: { Lines: [{ Content: "hunter2" }] } };
  expect(maskSecret(secret, true)).toEqual({ RuleID: "github-pat", Match: kept });
  expect(maskSecret(secret, false)).toEqual({ RuleID: "github-pat", Match: line });
});
