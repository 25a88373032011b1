import { Redactor } from "@belay/core";
import { expect, test } from "vitest";
import { readFileObject } from "./file-object.ts";
import type { StackFile } from "./stack-document.ts";

const read = (file: StackFile, kind: "config" | "secret" = "config", key = "page") =>
  readFileObject(kind, key, file, { stack: "shop", variables: { TOKEN: "hunter2" }, redactor: new Redactor() });
const content = (text: string, more: StackFile = {}): StackFile => ({ "x-belay-content": text, ...more });

test("the same content has the same name, another content or setting another", async () => {
  const [a, same, b, labelled, template] = await Promise.all([
    read(content("a")),
    read(content("a")),
    read(content("b")),
    read(content("a", { labels: { x: "y" } })),
    read(content("a", { template_driver: "golang" })),
  ]);
  expect(a.name).toMatch(/^shop_page_[0-9a-f]{12}$/);
  expect(same.name).toBe(a.name);
  expect(new Set([a, b, labelled, template].map(({ name }) => name)).size).toBe(4);
});

test("a name that would be too long for the engine is cut, not its hash", async () => {
  const { name } = await read(content("a", { name: "n".repeat(80) }));
  expect(name).toMatch(/^n{51}_[0-9a-f]{12}$/);
});

test("a secret's name does not tell its value by a plain hash, and differs by secret", async () => {
  const file = { "x-belay-environment": "TOKEN" };
  const [one, two, asConfig] = await Promise.all([
    read(file, "secret", "one"),
    read(file, "secret", "two"),
    read(file, "config", "one"),
  ]);
  const hash = (name: string) => name.slice(-12);
  expect(new Set([one, two, asConfig].map(({ name }) => hash(name))).size).toBe(3);
  expect(new TextDecoder().decode(one.body?.Data)).toBe("hunter2");
});

test("external ones and those of a driver have no data of ours", async () => {
  expect(await read({ external: true, name: "theirs" })).toEqual({ kind: "config", key: "page", name: "theirs" });
  const driven = await read({ driver: "vault", driver_opts: { path: "x" } }, "secret");
  expect(driven.body).toMatchObject({ Data: new Uint8Array(), Driver: { Name: "vault", Options: { path: "x" } } });
});

test("what is not there is told", async () => {
  await expect(read({ "x-belay-environment": "NOPE" })).rejects.toThrow("the variable NOPE is not set");
  await expect(read({ file: "/nowhere/x" })).rejects.toThrow("/nowhere/x can't be read");
});
