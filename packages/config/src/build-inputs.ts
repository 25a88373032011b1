import type { Inputs } from "@belay/core";

/** Inputs that say how an image is built, besides where its Dockerfile is: all that docker's own actions have. */
export interface BuildOverrides {
  readonly from?: string;
  readonly archive?: string;
  readonly contexts?: Readonly<Record<string, string>>;
  readonly secretEnvs?: Readonly<Record<string, string>>;
  readonly secretFiles?: Readonly<Record<string, string>>;
  readonly ssh?: readonly string[];
  readonly cacheFrom?: readonly string[];
  readonly cacheTo?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly provenance?: "none" | "min" | "max";
  readonly sbom?: boolean | string;
  readonly reproducible?: boolean;
  readonly pull?: boolean;
  readonly noCache?: boolean;
  readonly testReports?: string;
  readonly tags?: readonly string[];
  readonly flavor?: readonly string[];
}

/** Their words, for help, action.yml and reference. */
export const BUILD_INPUT_TEXTS = {
  "from-image":
    "Image that is in the Docker engine already, by name or ID: it is taken instead of a build, when its label names this commit.",
  "from-archive":
    "Image that was saved, relative to belay.yaml: a tar of `docker save`, or an OCI image layout as tar or folder. It is taken instead of a build, when its label names this commit.",
  "build-contexts": "More contexts for FROM and COPY --from, NAME=folder, address or docker-image://…, one a line.",
  "secret-envs": "Secrets of build steps, ID=NAME of an environment variable of this step, one a line.",
  "secret-files": "Secrets of build steps, ID=path, one a line.",
  ssh: "For RUN --mount=type=ssh: `default` (the agent of the run) or NAME=key, one a line.",
  "cache-from": "Caches to read, one a line, such as type=gha,scope={service}.",
  "cache-to": "Caches to write, one a line, such as type=gha,scope={service},mode=max.",
  labels: "Labels besides those that tell the source, KEY=value, one a line.",
  annotations: "Annotations of the manifest, KEY=value, one a line; `index:` before the key puts it on the index.",
  provenance: "What the build says about itself in the image's index: none, min or max. Default: none.",
  sbom: "A bill of materials in the image's index: true, false, or the image of a generator. Default: false.",
  reproducible:
    "In an OCI layout, image and files carry the commit's time, so that two builds are one digest (with `provenance` each platform's, not the index's): true or false. Default: true.",
  pull: "Look for newer base images: true or false. Default: false.",
  "no-cache": "Build without what earlier builds left: true or false. Default: false.",
  "test-reports":
    "JUnit files: an absolute folder of the test stage, or a path on this machine, relative to belay.yaml.",
  tags: "Rules for tags as docker/metadata-action has them, one a line. The commit's own tag always comes first. Default: Belay's tags.",
  flavor: "latest=auto, prefix=… and suffix=… of the tags that the rules make, one a line.",
} as const satisfies Record<string, string>;

export type BuildInput = keyof typeof BUILD_INPUT_TEXTS;

/** Nothing that was not given is in it; `undefined` when nothing was. @throws BelayError INVALID_INPUT */
export function loadBuildOverrides(inputs: Inputs): BuildOverrides | undefined {
  const name = <T extends BuildInput>(input: T): T => input;
  const sbom = inputs.text(name("sbom"));
  const values: { readonly [K in keyof Required<BuildOverrides>]: BuildOverrides[K] | undefined } = {
    from: inputs.text(name("from-image")),
    archive: inputs.text(name("from-archive")),
    contexts: filled(inputs.pairs(name("build-contexts"))),
    secretEnvs: filled(inputs.pairs(name("secret-envs"))),
    secretFiles: filled(inputs.pairs(name("secret-files"))),
    ssh: several(inputs.list(name("ssh"))),
    cacheFrom: several(inputs.list(name("cache-from"))),
    cacheTo: several(inputs.list(name("cache-to"))),
    labels: filled(inputs.pairs(name("labels"))),
    annotations: filled(inputs.pairs(name("annotations"))),
    provenance: inputs.choice(name("provenance"), ["none", "min", "max"]),
    sbom: sbom === "true" || sbom === "false" ? sbom === "true" : sbom,
    reproducible: inputs.boolean(name("reproducible")),
    pull: inputs.boolean(name("pull")),
    noCache: inputs.boolean(name("no-cache")),
    testReports: inputs.text(name("test-reports")),
    tags: several(inputs.list(name("tags"))),
    flavor: several(inputs.list(name("flavor"))),
  };
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

function filled<T extends object>(values: T): T | undefined {
  return Object.keys(values).length === 0 ? undefined : values;
}

function several<T>(values: readonly T[]): readonly T[] | undefined {
  return values.length === 0 ? undefined : values;
}
