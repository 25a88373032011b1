import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MASK, Redactor } from "./index.ts";

function redactorWith(...secrets: string[]): Redactor {
  const redactor = new Redactor();
  for (const secret of secrets) redactor.add(secret);
  return redactor;
}

describe("redaction", () => {
  it.each([
    ["raw", (secret: string) => `password=${secret};`],
    ["base64", (secret: string) => Buffer.from(secret).toString("base64")],
    ["base64 of user:secret", (secret: string) => Buffer.from(`user:${secret}`).toString("base64")],
    ["base64 of u:secret", (secret: string) => Buffer.from(`u:${secret}:x`).toString("base64")],
    ["URL-encoded", (secret: string) => encodeURIComponent(secret)],
    ["form-encoded", (secret: string) => new URLSearchParams({ a: secret }).toString()],
    ["JSON-escaped", (secret: string) => JSON.stringify({ a: secret })],
  ])("takes a secret out in its %s form", (_form, wrap) => {
    const secret = 'p"ä s/s+w\\ord&1';
    const text = redactorWith(secret).redact(wrap(secret));
    expect(text).toContain(MASK);
    expect(text).not.toContain(secret);
  });

  it("takes each line of a many-line secret out", () => {
    const redactor = redactorWith("-----BEGIN KEY-----\nabcdefgh\n-----END KEY-----\n");
    expect(redactor.redact("it said abcdefgh here")).toBe("it said *** here");
  });

  it("leaves nothing of a secret that contains another one", () => {
    expect(redactorWith("hunter2", "hunter2-and-more").redact("x hunter2-and-more y")).toBe("x *** y");
  });

  it("ignores empty and very short values, which would hide ordinary words", () => {
    expect(redactorWith("", "a", "abc").redact("abc a")).toBe("abc a");
  });

  it("never lets any secret through (property)", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 4, maxLength: 40, unit: "grapheme" }),
        fc.string(),
        fc.string(),
        (secret, before, after) => {
          fc.pre(secret.trim().length >= 4 && !MASK.includes(secret));
          const text = redactorWith(secret).redact(`${before}${secret}${after}`);
          expect(text.replaceAll(MASK, "")).not.toContain(secret.trim());
        },
      ),
    );
  });
});
