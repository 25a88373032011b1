import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CUT, MASK, oneLine, Redactor, tail, truncate } from "./index.ts";

function redactorWith(...secrets: string[]): Redactor {
  const redactor = new Redactor();
  for (const secret of secrets) redactor.add(secret);
  return redactor;
}

function goJson(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll("<", "\\u003c")
    .replaceAll(">", "\\u003e")
    .replaceAll("&", "\\u0026")
    .replaceAll("\u2028", "\\u2028");
}

function strict(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}

function lower(encoded: string): string {
  return encoded.replace(/%../g, (one) => one.toLowerCase());
}

function manySecrets(): string[] {
  return Array.from({ length: 500 }, (_, index) => `+${index}/pass&word=${"/+".repeat(index % 7)}`);
}

describe("redaction", () => {
  it.each([
    ["raw", (secret: string) => `key=${secret};`],
    ["base64", (secret: string) => Buffer.from(secret).toString("base64")],
    ["base64 of user:secret", (secret: string) => Buffer.from(`user:${secret}`).toString("base64")],
    ["base64 of u:secret", (secret: string) => Buffer.from(`u:${secret}:x`).toString("base64")],
    ["URL-encoded", (secret: string) => encodeURIComponent(secret)],
    ["form-encoded", (secret: string) => new URLSearchParams({ a: secret }).toString()],
    ["JSON-escaped", (secret: string) => JSON.stringify({ a: secret })],
    ["JSON as Go writes it", (secret: string) => goJson({ a: secret })],
    ["percent-encoded by RFC 3986", (secret: string) => strict(secret)],
    ["percent-encoded in lower case", (secret: string) => lower(encodeURIComponent(secret))],
    ["RFC 3986 in lower case", (secret: string) => lower(strict(secret))],
    ["RFC 3986 with + for a space", (secret: string) => strict(secret).replaceAll("%20", "+")],
    ["Python's quote", (secret: string) => strict(secret).replaceAll("%2F", "/")],
  ])("takes a secret out in its %s form", (_form, wrap) => {
    const secret = 'p"ä s/s+w\\ord&1<x>!*(\u2028)';
    const text = redactorWith(secret).redact(wrap(secret));
    expect(text).toContain(MASK);
    // Nothing of it is left, whatever it would look like.
    expect(text).not.toMatch(/ord|s\/s|s%2fs/i);
  });

  it("leaves words that are keys in a file with secrets, and takes its values out", () => {
    const file = '"server": {\ndatabase:\n  password: correct-horse\n  logging:\nuser: belay:\n';
    const redactor = redactorWith(file);
    const log = 'database: refused, "server": { }, logging: off';
    expect(redactor.redact(log)).toBe(log);
    expect(redactor.redact("read   password: correct-horse of user: belay:")).toBe("read *** of ***");
    expect(redactor.redact(`${file.trim()}.`)).toBe("***.");
    expect(redactorWith("hunter2:").redact("is hunter2:")).toBe("is ***");
  });

  it.each([
    // What net/url of Go 1.25 printed for the password `p&ss<w>rd/1 x!*$+,;=:@`.
    ["url.UserPassword", "postgres://u:p&ss%3Cw%3Erd%2F1%20x%21%2A$+,;=%3A%40@db/shop"],
    ["url.PathEscape", "p&ss%3Cw%3Erd%2F1%20x%21%2A$+%2C%3B=:@"],
    ["url.QueryEscape", "p%26ss%3Cw%3Erd%2F1+x%21%2A%24%2B%2C%3B%3D%3A%40"],
  ])("takes a password out of what Go's %s makes of it", (_function, text) => {
    expect(redactorWith("p&ss<w>rd/1 x!*$+,;=:@").redact(text)).not.toContain("ss");
  });

  it("remembers what no encoder takes (half a surrogate pair)", () => {
    expect(redactorWith("abcd\ud800efgh").redact("x abcd\ud800efgh y")).toBe("x *** y");
  });

  it("takes each line of a many-line secret out", () => {
    const redactor = redactorWith("-----BEGIN KEY-----\nabcdefgh\n-----END KEY-----\n");
    expect(redactor.redact("it said abcdefgh here")).toBe("it said *** here");
  });

  it("leaves nothing of a secret that contains another one", () => {
    expect(redactorWith("hunter2", "hunter2-and-more").redact("x hunter2-and-more y")).toBe("x *** y");
  });

  it("leaves nothing of secrets that overlap in a text", () => {
    expect(redactorWith("abcdef", "defghijkl").redact("x abcdefghijkl y")).toBe("x *** y");
    expect(redactorWith("abcdef").redact("abcdefabcdef")).toBe("******");
  });

  it.each([
    ["truncate", (text: string) => truncate(text, 400)],
    ["tail", (text: string) => tail(text, 3).join("\n")],
    ["oneLine", (text: string) => oneLine(text, 400)],
    ["two cuts", (text: string) => oneLine(tail(text, 1).join(""), 200)],
  ])("leaves less than four characters of a secret that a cut goes through (%s)", (_name, cut) => {
    const secret = "correct-horse/battery&staple-9";
    const redactor = redactorWith(secret);
    for (const form of [
      secret,
      encodeURIComponent(secret),
      goJson(secret).slice(1, -1),
      Buffer.from(secret).toString("base64"),
    ]) {
      for (let offset = 150; offset < 410; offset++) {
        const said = redactor.redact(cut(`${"x".repeat(offset)}${form} connecting`));
        expect(
          Array.from(form, (_, at) => form.slice(at, at + 4)).filter(
            (four) => said.includes(four) && four.length === 4,
          ),
        ).toEqual([]);
      }
    }
  });

  it("knows a secret with gaps and invisible characters in a text that was made plain", () => {
    const secret = "two  words\t\u200band \u001b[1mmore";
    const redactor = redactorWith(secret);
    expect(redactor.redact(oneLine(`x ${secret} y`))).toBe("x *** y");
    expect(redactor.redact(tail(`x ${secret} y`, 1).join(""))).toBe("x *** y");
    expect(redactor.redact(`x ${secret} y`)).toBe("x *** y");
  });

  it("takes the longest begin of a secret that stands before a cut, and no other word", () => {
    const redactor = redactorWith("hunter2", "hunter2-and-more");
    expect(redactor.redact(`x hunter2-an${CUT}`)).toBe(`x ***${CUT}`);
    expect(redactor.redact(`hunt${CUT} hunter${CUT}hun${CUT} hunter`)).toBe(`***${CUT} ***${CUT}hun${CUT} hunter`);
  });

  it("takes no longer for what is long and alike", () => {
    const redactor = redactorWith("a".repeat(40), "-----BEGIN PRIVATE KEY-----", ...manySecrets());
    const begun = performance.now();
    redactor.redact("a".repeat(500_000));
    redactor.redact("-".repeat(500_000));
    redactor.redact(`aaaa${CUT}`.repeat(100_000));
    // Quadratic, it would be minutes.
    expect(performance.now() - begun).toBeLessThan(60_000);
  });

  it("ignores empty and very short values, which would hide ordinary words", () => {
    expect(redactorWith("", "a", "abc").redact("abc a")).toBe("abc a");
    // A file with an empty line that is indented.
    expect(redactorWith("key: abcdefgh\n      \nb: c").redact("a:      b")).toBe("a:      b");
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
