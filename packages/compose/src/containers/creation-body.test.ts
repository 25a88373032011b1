import { describe, expect, it } from "vitest";
import { inspectOf } from "../testing/containers.ts";
import { anonymousVolumes, recreationOf } from "./creation-body.ts";

const ID = "abcdef012345".padEnd(64, "6");

describe("making a container again", () => {
  it("keeps what was asked for and drops what the engine gave", () => {
    const shown = inspectOf(ID, {
      config: { Hostname: ID.slice(0, 12), Env: ["A=1"] },
      networks: {
        shop_default: { Aliases: ["web", ID.slice(0, 12)], IPAddress: "10.0.0.2", EndpointID: "e", NetworkID: "n" },
        shop_back: { Aliases: ["web"], IPAMConfig: { IPv4Address: "10.1.0.9" } },
      },
    });
    const { name, body, connections } = recreationOf(shown, "shop@sha256:aa");
    expect(name).toBe(`shop-web-${ID}`);
    expect(body).toMatchObject({ Image: "shop@sha256:aa", Env: ["A=1"] });
    expect(body).not.toHaveProperty("Hostname");
    expect(body.NetworkingConfig).toEqual({ EndpointsConfig: { shop_default: { Aliases: ["web"] } } });
    const endpoint = { Aliases: ["web"], IPAMConfig: { IPv4Address: "10.1.0.9" } };
    expect(connections).toEqual([{ network: "shop_back", endpoint }]);
  });

  it("keeps a host name of its own, and asks for no network in the host's", () => {
    const shown = inspectOf(ID, {
      config: { Hostname: "shop" },
      host: { NetworkMode: "host" },
      networks: { host: {} },
    });
    const { body, connections } = recreationOf(shown, "x");
    expect(body.Hostname).toBe("shop");
    expect(body).not.toHaveProperty("NetworkingConfig");
    expect(connections).toEqual([]);
  });

  it("attaches anonymous volumes again, and no named one twice", () => {
    const volume = (Name: string, Destination: string) => ({
      Type: "volume",
      Name,
      Source: "/x",
      Destination,
      RW: true,
    });
    const host = { Binds: ["named:/named"], Mounts: [{ Type: "volume", Source: "mounted" }] };
    const mounts = [volume("named", "/named"), volume("mounted", "/mounted"), volume("f00", "/data")];
    const shown = inspectOf(ID, { host, mounts });
    expect(anonymousVolumes(shown)).toEqual([{ name: "f00", at: "/data" }]);
    expect(recreationOf(shown, "x").body.HostConfig?.Binds).toEqual(["named:/named", "f00:/data"]);
  });
});
