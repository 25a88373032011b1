import { describe, expect, it } from "vitest";
import { parseVex } from "./parse-vex.ts";
import { type PackageUrl, parsePurl } from "./purl.ts";
import { imagePurl, lastStatement } from "./vex-statement.ts";

const image = imagePurl("ghcr.io/acme/shop", `sha256:${"a".repeat(64)}`);
const images = image === undefined ? [] : [image];
const names = ["CVE-2019-10744", "GHSA-jf85-cpcp-j695"];

function said(document: unknown, purl = "pkg:npm/lodash@4.17.11") {
  const statements = parseVex(JSON.stringify(document), "vex.json");
  const found = lastStatement(statements, { names, purl: parsePurl(purl), images });
  return found && [found.status, found.reason, found.origin];
}

describe("OpenVEX", () => {
  const openvex = (...statements: object[]) => ({
    "@context": "https://openvex.dev/ns/v0.2.0",
    timestamp: "2026-01-01T00:00:00Z",
    statements: statements.map((one) => ({
      vulnerability: { name: "CVE-2019-10744" },
      products: [{ "@id": "pkg:npm/lodash" }],
      status: "not_affected",
      justification: "vulnerable_code_not_in_execute_path",
      ...one,
    })),
  });

  it.each([
    ["of the package", {}, true],
    ["of its version", { products: [{ identifiers: { purl: "pkg:npm/lodash@4.17.11" } }] }, true],
    ["of another version", { products: [{ "@id": "pkg:npm/lodash@4.17.10" }] }, false],
    ["of the image", { products: [{ "@id": "pkg:oci/shop?repository_url=ghcr.io/acme/shop" }] }, true],
    [
      "of the package in the image",
      { products: [{ "@id": "pkg:oci/shop", subcomponents: [{ "@id": "pkg:npm/lodash" }] }] },
      true,
    ],
    [
      "of another package in it",
      { products: [{ "@id": "pkg:oci/shop", subcomponents: [{ "@id": "pkg:npm/minimist" }] }] },
      false,
    ],
    [
      "of a part that has no package URL",
      { products: [{ "@id": "pkg:oci/shop", subcomponents: [{ "@id": "lodash" }] }] },
      false,
    ],
    ["of another image", { products: [{ "@id": "pkg:oci/other" }] }, false],
    ["of another digest of it", { products: [{ "@id": `pkg:oci/shop@sha256%3A${"b".repeat(64)}` }] }, false],
    ["of no product", { products: [] }, false],
    ["of a product without a package URL", { products: [{ "@id": "https://acme.example/shop" }] }, false],
    ["by another name", { vulnerability: { name: "CVE-1", aliases: ["GHSA-jf85-cpcp-j695"] } }, true],
    ["by a web address", { vulnerability: { "@id": "https://nvd.nist.gov/vuln/detail/CVE-2019-10744" } }, true],
    ["of another vulnerability", { vulnerability: { name: "CVE-2019-1074" } }, false],
  ])("a statement %s", (_what, more, counts) => {
    const reason = "vulnerable_code_not_in_execute_path";
    expect(said(openvex(more))).toEqual(counts ? ["not_affected", reason, "vex.json statements[0]"] : undefined);
  });

  it("is overruled by what was said later, in whatever order it stands", () => {
    const later = { status: "affected", timestamp: "2026-02-01T00:00:00Z" };
    expect(said(openvex({}, later))?.[0]).toBe("affected");
    expect(said(openvex(later, {}))?.[0]).toBe("affected");
    expect(said(openvex({ status: "under_investigation" }))?.[0]).toBe("affected");
  });
});

describe("CycloneDX", () => {
  const bom = (state: string, ref: string) => ({
    bomFormat: "CycloneDX",
    components: [{ "bom-ref": "1", purl: "pkg:npm/lodash@4.17.11" }],
    vulnerabilities: [{ id: "CVE-2019-10744", analysis: { state, detail: "not called" }, affects: [{ ref }] }],
  });

  it.each([
    ["not_affected", "1", "not_affected"],
    ["false_positive", "1", "not_affected"],
    ["resolved", "pkg:npm/lodash@4.17.11", "fixed"],
    ["not_affected", "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg%3Anpm%2Flodash%404.17.11", "not_affected"],
    ["exploitable", "1", "affected"],
    ["in_triage", "1", "affected"],
    ["a state of tomorrow", "1", "affected"],
    ["not_affected", "2", undefined],
  ])("%s for %s is %s", (state, ref, expected) => expect(said(bom(state, ref))?.[0]).toBe(expected));

  const digest = `sha256%3A${"b".repeat(64)}`;
  it.each([
    [`pkg:oci/shop@${digest}?arch=amd64&repository_url=ghcr.io%2Facme%2Fshop`, "1", "not_affected"],
    ["pkg:oci/shop", "1", "not_affected"],
    ["pkg:oci/web?repository_url=ghcr.io%2Facme%2Fweb", "1", undefined],
    ["pkg:oci/shop?repository_url=ghcr.io%2Fother%2Fshop", "1", undefined],
    ["pkg:oci/shop", "2", undefined],
    ["pkg:oci/shop", "image", "not_affected"],
    ["pkg:oci/web", "image", undefined],
    ["pkg:npm/%40acme/shop@1.0.0", "1", "not_affected"],
    ["shop", "1", "not_affected"],
  ])("of a document about %s counts for %s in that image alone", (purl, ref, expected) => {
    const metadata = { component: { "bom-ref": "image", purl } };
    expect(said({ ...bom("not_affected", ref), metadata })?.[0]).toBe(expected);
  });

  it("of a document about an image of Docker Hub, as Trivy names that", () => {
    const hub = imagePurl("docker.io/library/shop", undefined) as PackageUrl;
    const metadata = { component: { purl: "pkg:oci/shop?repository_url=index.docker.io%2Flibrary%2Fshop" } };
    const statements = parseVex(JSON.stringify({ ...bom("not_affected", "1"), metadata }), "vex.json");
    const about = { names, purl: parsePurl("pkg:npm/lodash@4.17.11"), images: [hub] };
    expect(lastStatement(statements, about)?.status).toBe("not_affected");
  });
});

describe("CSAF", () => {
  const csaf = (id: string, status: string) => ({
    document: { csaf_version: "2.0", tracking: { current_release_date: "2026-01-01T00:00:00Z" } },
    product_tree: {
      branches: [
        {
          name: "acme",
          branches: [
            { product: { product_id: "shop", product_identification_helper: { purl: "pkg:oci/shop" } } },
            { product: { product_id: "lodash", product_identification_helper: { purl: "pkg:npm/lodash" } } },
          ],
        },
      ],
      relationships: [
        {
          category: "default_component_of",
          product_reference: "lodash",
          relates_to_product_reference: "shop",
          full_product_name: { product_id: "shop:lodash" },
        },
        {
          category: "external_component_of",
          product_reference: "lodash",
          relates_to_product_reference: "shop",
          full_product_name: { product_id: "beside" },
        },
      ],
    },
    vulnerabilities: [
      {
        cve: "CVE-2019-10744",
        product_status: { [status]: [id] },
        threats: [{ category: "impact", details: "never called" }],
      },
    ],
  });

  it.each([
    ["lodash", "known_not_affected", "not_affected"],
    ["shop", "fixed", "fixed"],
    ["shop:lodash", "known_not_affected", "not_affected"],
    ["shop:lodash", "known_affected", "affected"],
    ["beside", "known_not_affected", undefined],
    ["nobody", "known_not_affected", undefined],
    ["lodash", "under_investigation", undefined],
  ])("%s %s is %s", (id, status, expected) => {
    const [found, reason] = said(csaf(id, status)) ?? [];
    expect(found).toBe(expected);
    if (expected !== undefined) expect(reason).toBe("never called");
  });

  it("speaks of the package in that image only", () => {
    expect(said(csaf("shop:lodash", "known_not_affected"), "pkg:npm/minimist@1.2.0")).toBeUndefined();
  });
});

it.each(["", "{}", "[]", "null", '{"bomFormat":"CycloneDX","components":[]}', '{"@context":"https://openvex.dev/ns"}'])(
  "%s is refused",
  (text) => {
    expect(() => parseVex(text, "x")).toThrowError(expect.objectContaining({ code: "INVALID_INPUT" }));
  },
);
