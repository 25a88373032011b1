import type { EngineInfo } from "@belay/docker";
import type { Builder } from "./builder.ts";
import { usesContainerd } from "./built-identity.ts";

/** Where a built image is kept until it is pushed. */
export interface BuildWay {
  /** `layout`: a folder on this machine, with every platform. `engine`: the Docker engine, with one. */
  readonly kind: "layout" | "engine";
  /** For the log: what is there that decided it. */
  readonly because: string;
}

/** What is asked of the engine: only where the image is built inside it. */
export type EngineFacts = () => Promise<Pick<EngineInfo, "DriverStatus">>;

/**
 * Chooses by what is there. An OCI layout wherever the builder can write one, since then the very bytes that were scanned
 * are pushed, for every platform: any BuildKit of its own, and an engine with containerd's image store (buildx,
 * `driver/docker/driver.go`, `OCIExporter`). Else the engine keeps the image.
 * @throws what `engine` throws
 */
export async function chooseWay(builder: Builder, engine: EngineFacts): Promise<BuildWay> {
  if (builder.kind !== "buildx") {
    // That it can't be had is told as that, and not as a build that failed.
    await engine();
    return { kind: "engine", because: "docker buildx is not there" };
  }
  const name = `the builder ${builder.name ?? "of buildx"}`;
  if (builder.driver !== "docker") return { kind: "layout", because: `${name} has the driver ${builder.driver}` };
  if (usesContainerd(await engine())) {
    return { kind: "layout", because: `${name} is the engine's own, with containerd's image store` };
  }
  return { kind: "engine", because: `${name} is the engine's own, with the classic image store` };
}

/** One line for the log. */
export function describeWay({ kind, because }: BuildWay): string {
  return kind === "layout"
    ? `Images are built into OCI layouts, with every platform (${because}).`
    : `Images are built into the Docker engine, with one platform (${because}).`;
}
