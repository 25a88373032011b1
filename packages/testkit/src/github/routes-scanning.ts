import { gunzipSync } from "node:zlib";
import { Refusal, type Route, textOf } from "./answer.ts";
import { isObject, type JsonObject } from "./json.ts";

/** Code scanning and the dependency graph. */
export const SCANNING_ROUTES: Readonly<Record<string, Route>> = {
  "code-scanning/upload-sarif": ({ state, body }) => {
    if (!state.codeScanning) {
      throw new Refusal(403, "Advanced Security must be enabled for this repository to use code scanning.");
    }
    const commit = textOf(body, "commit_sha") ?? "";
    const id = String(state.nextId());
    state.analyses.push({ id, commit, ref: textOf(body, "ref") ?? "", sarif: unpack(textOf(body, "sarif") ?? "") });
    return {
      status: 202,
      body: { id, url: `${state.serverUrl}/repos/${state.repository}/code-scanning/sarifs/${id}` },
    };
  },
  "dependency-graph/create-repository-snapshot": ({ state, body }) => {
    state.snapshots.push(body);
    const message = "Dependency results for the repo have been successfully updated.";
    return { status: 201, body: { id: state.nextId(), created_at: state.timestamp(), result: "SUCCESS", message } };
  },
};

/** Base64 of gzip of SARIF 2.1.0, or GitHub's refusal. */
function unpack(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(gunzipSync(Buffer.from(text, "base64")).toString("utf8"));
    if (isObject(value) && value.version === "2.1.0" && Array.isArray(value.runs)) return value;
  } catch {
    // Told below, as GitHub does.
  }
  throw new Refusal(400, "Invalid request.\n\nThe SARIF file is not valid.");
}
