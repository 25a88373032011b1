import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { symlink } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createRunner, Redactor } from "@belay/core";
import { ensureTools } from "@belay/testkit";

export interface TrivyRelease extends AsyncDisposable {
  /** The archive on disk, served as it is at every request. */
  readonly archive: string;
  readonly checksum: string;
  readonly mirror: string;
  readonly requests: readonly string[];
}

/** The rig's Trivy in an archive, as its makers release it, on a server of this machine. */
export async function serveTrivyRelease(folder: string): Promise<TrivyRelease> {
  const archive = join(folder, "trivy.tar.gz");
  const { trivy } = await ensureTools(["trivy"]);
  await symlink(trivy, join(folder, "trivy"));
  // Packed loosely: the time of a test is not to be spent on making it small.
  const pack = ["--dereference", "--use-compress-program=gzip -1", "-cf", archive, "-C", folder, "trivy"];
  await createRunner(new Redactor())("tar", pack, { deadlineMs: 300_000 });
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(archive)) hash.update(chunk as Buffer);
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? "");
    createReadStream(archive).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    archive,
    checksum: hash.digest("hex"),
    mirror: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
