import type { BuildSettings } from "@belay/config";
import { BelayError } from "@belay/core";
import type { Builder } from "./builder.ts";
import type { Chosen } from "./check-services.ts";
import type { BuildWay } from "./choose-way.ts";

/** A setting that not every way of building has. */
interface Need {
  readonly of: (build: BuildSettings) => boolean;
  readonly what: (build: BuildSettings) => string;
  readonly there: (builder: Builder, way: BuildWay) => boolean;
}

const withLayout = (_builder: Builder, way: BuildWay): boolean => way.kind === "layout";
const withBuildx = (builder: Builder): boolean => builder.kind === "buildx";
const withBuildKit = (builder: Builder): boolean => builder.kind !== "legacy";
const some = (values: object | undefined): boolean => Object.keys(values ?? {}).length > 0;

const NEEDS: readonly Need[] = [
  {
    of: (build) => build.platforms.length > 1,
    what: ({ platforms }) => `${platforms.length} platforms (${platforms.join(", ")}), and the engine keeps one`,
    there: withLayout,
  },
  { of: (build) => build.provenance !== undefined, what: () => "`provenance`", there: withLayout },
  { of: (build) => build.sbom !== undefined, what: () => "`sbom`", there: withLayout },
  { of: (build) => some(build.annotations), what: () => "`annotations`", there: withLayout },
  // The engine's own BuildKit can only put its cache into the image itself.
  {
    of: (build) => (build.cacheTo ?? []).some((cache) => !/^type=inline\b/.test(cache)),
    what: () => "`cache-to`",
    there: withLayout,
  },
  { of: (build) => some(build.cacheTo) || some(build.cacheFrom), what: () => "caches", there: withBuildx },
  { of: (build) => some(build.contexts), what: () => "`contexts`", there: withBuildx },
  { of: (build) => some(build.secrets), what: () => "`secrets`", there: withBuildKit },
  { of: (build) => some(build.ssh), what: () => "`ssh`", there: withBuildKit },
  {
    of: (build) => build.testReports !== undefined,
    what: () => "`test-reports` of the test stage",
    there: withBuildKit,
  },
];

const REMEDY =
  "Use a builder of its own (`docker/setup-buildx-action` before this step, `docker buildx create --use`), an engine with containerd's image store, or leave that away.";

/** @throws BelayError INVALID_INPUT for what this builder can't do, before anything is built. */
export function checkWay(builder: Builder, way: BuildWay, services: Chosen): void {
  for (const [name, { build }] of services) {
    const missing = NEEDS.find((need) => build !== undefined && need.of(build) && !need.there(builder, way));
    if (missing === undefined || build === undefined) continue;
    throw new BelayError("INVALID_INPUT", {
      doing: `reading services.${name}.build`,
      got: `it wants ${missing.what(build)}, which is not possible here (${way.because})`,
      next: REMEDY,
    });
  }
}
