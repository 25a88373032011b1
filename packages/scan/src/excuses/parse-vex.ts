import { BelayError, messageOf } from "@belay/core";
import { parseCsaf } from "./parse-csaf.ts";
import { parseCyclonedxVex } from "./parse-cyclonedx-vex.ts";
import { parseOpenvex } from "./parse-openvex.ts";
import type { VexStatement } from "./vex-statement.ts";

/**
 * Reads a VEX document: OpenVEX, CycloneDX or CSAF. Statements about products that are not named by a package URL are
 * left out, because nobody can tell whether they mean this image.
 * @throws BelayError INVALID_INPUT
 */
export function parseVex(json: string, file: string): readonly VexStatement[] {
  const doing = `reading the VEX document ${file}`;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new BelayError("INVALID_INPUT", { doing, got: `it is no JSON (${messageOf(error)})`, cause: error });
  }
  const read = parseOpenvex(value, file) ?? parseCyclonedxVex(value, file) ?? parseCsaf(value, file);
  if (read !== undefined) return read;
  const next = "OpenVEX, CycloneDX and CSAF 2 documents are read, as JSON.";
  throw new BelayError("INVALID_INPUT", { doing, got: "it is none that Belay knows, or it is broken", next });
}
