import { oneLine } from "@belay/core";
import { z } from "zod";
import { type PackageUrl, parsePurl } from "./purl.ts";
import type { VexProduct, VexStatement } from "./vex-statement.ts";

const text = z.string();
const component = z.object({ "bom-ref": text.optional(), purl: text.optional() });

const document = z.object({
  bomFormat: z.literal("CycloneDX"),
  metadata: z.object({ timestamp: text.optional(), component: component.optional() }).optional(),
  components: z.array(component).optional(),
  vulnerabilities: z.array(
    z.object({
      id: text,
      analysis: z
        .object({ state: text.optional(), justification: text.optional(), detail: text.optional() })
        .optional(),
      affects: z.array(z.object({ ref: text })).optional(),
      updated: text.optional(),
    }),
  ),
});

/** CycloneDX 1.4 and later, "vulnerabilities[].analysis.state". */
const STATES: Readonly<Record<string, VexStatement["status"]>> = {
  resolved: "fixed",
  resolved_with_pedigree: "fixed",
  not_affected: "not_affected",
  false_positive: "not_affected",
};

/** A CycloneDX document with vulnerabilities. `undefined` for what is none. */
export function parseCyclonedxVex(value: unknown, file: string): readonly VexStatement[] | undefined {
  const checked = document.safeParse(value);
  if (!checked.success) return undefined;
  const { metadata, components = [], vulnerabilities } = checked.data;
  const known = new Map<string, string>();
  for (const one of [metadata?.component, ...components]) {
    if (one?.["bom-ref"] !== undefined && one.purl !== undefined) known.set(one["bom-ref"], one.purl);
  }
  const image = imageOf(metadata?.component?.purl);
  return vulnerabilities.map((one, index) => {
    const reason = [one.analysis?.justification, one.analysis?.detail].filter((part) => part).join(": ");
    const products = (one.affects ?? []).map(({ ref }) => purlOf(ref, known)).filter((purl) => purl !== undefined);
    return {
      vulnerabilities: [one.id],
      products: products.map((purl) => productOf(purl, image)),
      status: STATES[one.analysis?.state ?? ""] ?? "affected",
      ...(reason === "" ? {} : { reason: oneLine(reason) }),
      saidAt: Date.parse(one.updated ?? metadata?.timestamp ?? "") || 0,
      origin: `${file} vulnerabilities[${index}]`,
    };
  });
}

/**
 * The image that the document is about, by its name: the next build has other digests, and what is said of a version of a package in it
 * stays true.
 */
function imageOf(subject: string | undefined): PackageUrl | undefined {
  const purl = parsePurl(subject ?? "");
  if (purl?.type !== "oci") return undefined;
  // Trivy writes Docker Hub by its old name.
  const repository = purl.qualifiers.repository_url?.replace(/^index\.docker\.io\//, "docker.io/");
  return { ...purl, version: "", qualifiers: repository === undefined ? {} : { repository_url: repository } };
}

/** What is said of a package in a document about an image is said of that image alone. */
function productOf(purl: PackageUrl, image: PackageUrl | undefined): VexProduct {
  return image === undefined || purl.type === "oci" ? { purl, components: [] } : { purl: image, components: [purl] };
}

/** A reference is a `bom-ref` of this document, a package URL, or a BOM-Link (`urn:cdx:…#ref`) that ends with one. */
function purlOf(ref: string, known: ReadonlyMap<string, string>): PackageUrl | undefined {
  const direct = parsePurl(known.get(ref) ?? ref);
  if (direct !== undefined || !ref.startsWith("urn:cdx:")) return direct;
  try {
    return parsePurl(decodeURIComponent(ref.slice(ref.indexOf("#") + 1)));
  } catch {
    return undefined;
  }
}
