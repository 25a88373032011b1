import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type TemporaryFolder, temporaryFolder } from "@belay/testkit";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readDocument } from "./image-files.ts";
import { paxRecord, type TarEntry, tarOf } from "./tar.fixture.ts";
import { TarFiles } from "./tar-files.ts";

let folder: TemporaryFolder;
let path: string;
beforeEach(async () => {
  folder = await temporaryFolder("belay-tar");
  path = join(folder.path, "image.tar");
});
afterEach(() => folder.remove());

async function texts(entries: readonly TarEntry[], ...names: readonly string[]): Promise<(string | undefined)[]> {
  await writeFile(path, tarOf(entries));
  await using files = await TarFiles.open(path);
  const texts: (string | undefined)[] = [];
  for (const name of names) {
    const found = await files.find(name);
    texts.push(found === undefined ? undefined : (await readDocument(files, name)).toString("utf8"));
  }
  return texts;
}

async function refused(bytes: Uint8Array, why: string): Promise<void> {
  await writeFile(path, bytes);
  await expect(TarFiles.open(path)).rejects.toThrow(why);
}

it("reads files where they lie, by names of every kind of header", async () => {
  const long = `${"d/".repeat(80)}long`;
  const entries: TarEntry[] = [
    { name: "./index.json", content: "{}" },
    { name: "blobs/", type: "5" },
    { name: "blobs/empty" },
    { name: "@LongLink", type: "L", content: `${long}\0` },
    { name: "cut", content: "gnu" },
    {
      name: "pax",
      type: "x",
      content: `${paxRecord("comment", "c".repeat(9_000))}${paxRecord("path", `${long}-pax`)}`,
    },
    { name: "cut", content: "p".repeat(513) },
    { name: "global", type: "g", content: paxRecord("path", "all") },
    { name: "last", content: "1" },
    { name: "last", content: "2" },
  ];
  const names = ["index.json", "blobs/empty", long, `${long}-pax`, "last", "cut", "all", "blobs"];
  expect(await texts(entries, ...names)).toEqual([
    "{}",
    "",
    "gnu",
    "p".repeat(513),
    "2",
    undefined,
    undefined,
    undefined,
  ]);
});

it("follows links to names of its own and to nothing else", async () => {
  const entries: TarEntry[] = [
    { name: "a/layer.tar", content: "layer" },
    { name: "b/layer.tar", type: "2", link: "../a/layer.tar" },
    { name: "c", type: "1", link: "a/layer.tar" },
    { name: "out", type: "2", link: "/etc/passwd" },
    { name: "up", type: "2", link: "../../../../../../etc/passwd" },
    { name: "hard", type: "1", link: "/etc/passwd" },
    { name: "x", type: "2", link: "y" },
    { name: "y", type: "2", link: "x" },
    { name: "/etc/passwd", type: "3" },
    { name: "../up", content: "a name" },
  ];
  const names = ["b/layer.tar", "c", "out", "up", "hard", "x", "/etc/passwd"];
  expect(await texts(entries, ...names)).toEqual(["layer", "layer", ...Array(5).fill(undefined)]);
});

it("refuses what is no archive, is cut off, or tells of more than there is", async () => {
  const file = { name: "index.json", content: "{}" };
  await refused(Buffer.from("no archive"), "it is no tar archive");
  await refused(Buffer.from("no archive ".repeat(200)), "it is no tar archive");
  await refused(gzipSync(tarOf([file])), "it is compressed with gzip: decompress it first");
  await refused(tarOf([{ ...file, size: 1_000_000 }]), "it ends in the middle");
  await refused(tarOf([{ ...file, size: 2 ** 40 }]), "it ends in the middle");
  await refused(tarOf([{ ...file, size: 2 ** 60 }]), "larger than any disk");
  await refused(tarOf([file, file], false).subarray(0, 1400), "it ends in the middle");
  const long = "n".repeat(4_097);
  for (const [type, content] of [
    ["L", "n".repeat(70_000)],
    ["L", long],
    ["K", long],
    ["x", paxRecord("path", long)],
    ["x", paxRecord("linkpath", long)],
  ] as const) {
    await refused(tarOf([{ name: "extra", type, content }, file]), "a name in it is too long");
  }
  for (const content of ["x", "99 path=a\n", "6 path\n", "0 a=b\n"]) {
    await refused(tarOf([{ name: "x", type: "x", content }, file]), "a header in it can't be read");
  }
  const huge = { name: "x", type: "x", content: paxRecord("size", "999999999999999") };
  await refused(tarOf([huge, file]), "it ends in the middle");
  await refused(tarOf(Array<TarEntry>(10_001).fill({ name: "a" })), "more than 10000 files");
});

it("notices a file that is cut off while it is read, and reads no document that is too large", async () => {
  await writeFile(path, tarOf([{ name: "blob", content: "b".repeat(5_000) }]));
  await using files = await TarFiles.open(path);
  await truncate(path, 1_024);
  await expect(readDocument(files, "blob")).rejects.toThrow("it ends in the middle");
  const document = { name: "index.json", content: Buffer.alloc(17 * 1024 * 1024) };
  await expect(texts([document], "index.json")).rejects.toThrow("index.json has 17825792 bytes, more than 16777216");
});
