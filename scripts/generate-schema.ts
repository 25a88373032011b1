import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { configJsonSchema } from "../packages/config/src/json-schema.ts";

/**
 * Writes docs/belay.schema.json, which editors read (`# yaml-language-server: $schema=…`). Run it with
 * `node scripts/generate-schema.ts` after a change of packages/config/src/schema.ts; a test tells when that was forgotten.
 */
const root = fileURLToPath(new URL("..", import.meta.url));
writeFileSync(`${root}/docs/belay.schema.json`, configJsonSchema());
execFileSync(`${root}/node_modules/.bin/biome`, ["format", "--write", "docs/belay.schema.json"], { cwd: root });
