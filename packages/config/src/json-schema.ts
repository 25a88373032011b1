import * as z from "zod/mini";
import { configSchema } from "./schema.ts";

/** The JSON Schema (draft 2020-12) of belay.yaml as text, for editors. Not part of any bundle. */
export function configJsonSchema(): string {
  const { $schema, ...rest } = z.toJSONSchema(configSchema, { io: "input" });
  return `${JSON.stringify({ $schema, title: "belay.yaml", ...rest }, null, 2)}\n`;
}
