import { expect, it } from "vitest";
import { csvRow } from "./csv-row.ts";

it.each([
  [["type=oci", "dest=/a b"], "type=oci,dest=/a b"],
  [["dest=/a,b"], '"dest=/a,b"'],
  [['dest=/a"b'], '"dest=/a""b"'],
  [["a=1\n2", " b"], '"a=1\n2"," b"'],
])("%j is %s", (fields, row) => {
  expect(csvRow(...fields)).toBe(row);
});
