import { expect, test } from "vitest";
import { registryAuthHeader } from "./registry-auth.ts";

test.each(["a", "ab", "abc", "ü?>~ÿ"])(
  "credentials keep their padding and have no characters of plain base64: %s",
  (password) => {
    const header = registryAuthHeader({ username: "u", password })["X-Registry-Auth"];
    expect(header).toMatch(/^[\w-]+=*$/);
    expect(header.length % 4).toBe(0);
    expect(JSON.parse(Buffer.from(header, "base64url").toString())).toEqual({ username: "u", password });
  },
);
