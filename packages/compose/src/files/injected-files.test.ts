import { describe, expect, it } from "vitest";
import type { ComposeProject } from "./compose-project.ts";
import { filesToCopy, packFiles } from "./injected-files.ts";

const project: ComposeProject = {
  name: "shop",
  services: {
    web: {
      configs: [{ source: "greeting" }, { source: "mounted", target: "/etc/m" }],
      secrets: [{ source: "token", target: "t", uid: "1000", mode: "0400" }],
    },
  },
  configs: { greeting: { content: "a $$ b" }, mounted: { file: "/srv/m" } },
  secrets: { token: { environment: "TOKEN" } },
};

describe("files that compose would copy at the start", () => {
  it("are those with content or a variable, at compose's default places", () => {
    expect(filesToCopy(project, "web", { TOKEN: "s3cret" })).toEqual([
      { path: "/greeting", content: "a $ b", uid: 0, gid: 0, mode: 0o444 },
      { path: "/run/secrets/t", content: "s3cret", uid: 1000, gid: 0, mode: 0o400 },
    ]);
  });

  it("need their variable", () => {
    expect(() => filesToCopy(project, "web", {})).toThrow(/its variable TOKEN is not set/);
  });

  it("are packed as tar does it", () => {
    const tar = Buffer.from(packFiles([{ path: "/run/secrets/t", content: "hello", uid: 1, gid: 2, mode: 0o400 }]));
    expect(tar.length % 512).toBe(0);
    expect(tar.subarray(0, 13).toString()).toBe("run/secrets/t");
    expect(tar.subarray(124, 135).toString()).toBe("00000000005");
    expect(tar.subarray(257, 265).toString()).toBe("ustar\x0000");
    expect(tar.subarray(512, 517).toString()).toBe("hello");
    const sum = Buffer.from(tar.subarray(0, 512))
      .fill(" ", 148, 156)
      .reduce((all, byte) => all + byte, 0);
    expect(Number.parseInt(tar.subarray(148, 154).toString(), 8)).toBe(sum);
  });
});
