import { join } from "node:path";
import { ensureGo } from "../rig/ensure-go.ts";
import { run } from "../rig/run.ts";
import { installOnce } from "./install-once.ts";

const VERSION = "1.7.12";

/** Path of actionlint 1.7.12. Go builds it once; Go's checksum database vouches for the source. */
export async function installActionlint(): Promise<string> {
  const folder = await installOnce(`actionlint-${VERSION}`, async (into) => {
    await run(await ensureGo("1.25"), ["install", `github.com/rhysd/actionlint/cmd/actionlint@v${VERSION}`], {
      env: { GOBIN: into, CGO_ENABLED: "0", GOFLAGS: "" },
      doing: `building actionlint ${VERSION} for the tests`,
      deadlineMs: 600_000,
      failure: "TOOL_MISSING",
    });
  });
  return join(folder, "actionlint");
}
