import { Inputs } from "@belay/core";
import { expect, it } from "vitest";
import { loadSignInputs } from "./sign-inputs.ts";

const sigstoreOf = (given: Readonly<Record<string, string>>) =>
  loadSignInputs(new Inputs((name) => given[name])).sigstore;

it("takes addresses of a Sigstore of one's own, and none by default", () => {
  const [fulcioUrl, rekorUrl] = ["https://fulcio.example:8443/ca", "https://rekor.example"];
  expect(sigstoreOf({ "fulcio-url": fulcioUrl, "rekor-url": rekorUrl })).toEqual({ fulcioUrl, rekorUrl });
  expect(sigstoreOf({})).toEqual({});
});

it.each(["http://127.0.0.1:5000", "http://localhost:5000/x", "http://[::1]:5000"])(
  "takes %s, of this machine",
  (url) => {
    expect(sigstoreOf({ "fulcio-url": url })).toEqual({ fulcioUrl: url });
  },
);

it.each([
  ["http://fulcio.example", "it has no TLS"],
  ["http://127.0.0.1.fulcio.example", "it has no TLS"],
  ["ftp://fulcio.example", "it is no address of the web"],
  ["fulcio.example", "it is no address of the web"],
  ["https://fulcio.example:port", "it is no address of the web"],
  ["https://[", "it is no address of the web"],
  ["https://fulcio.example and more", "it is no address of the web"],
])("refuses %s at the input", (url, got) => {
  for (const name of ["fulcio-url", "rekor-url"]) {
    const refused = {
      code: "INVALID_INPUT",
      doing: `reading input \`${name}\``,
      got: `${got}: ${JSON.stringify(url)}`,
    };
    expect(() => sigstoreOf({ [name]: url })).toThrow(expect.objectContaining(refused));
  }
});

it("refuses credentials in an address, and does not repeat them", () => {
  const given = { "rekor-url": "https://ada:sesame@rekor.example" };
  expect(() => sigstoreOf(given)).toThrow(expect.objectContaining({ got: "it holds credentials" }));
});
