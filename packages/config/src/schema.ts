import * as z from "zod/mini";
import { FORMATS } from "./formats.ts";
import { scanOverride, scanSchema } from "./scan-schema.ts";
import { about, choice, duration, exactly, flag, list, named, scalar, section, text, whole } from "./schema-parts.ts";
import { signatureSchema } from "./signature-schema.ts";

/*
 * The shape of belay.yaml. The message of every check says what is legal, nothing else: the loader puts the place and
 * the value before it. Rules between keys stand in check-rules.ts, and as `extra` here where JSON Schema can say them.
 */

const command = list(
  "The program and its arguments, one by one: no shell reads them.",
  z.string({ error: () => "text (write it in quotes)" }),
  1,
  "a list of the program and its arguments, such as [nginx, -s, reload]",
);

const secretSource = section(
  "Where the value comes from.",
  {
    env: z.optional(exactly(FORMATS.variable, "Name of the environment variable.")),
    file: z.optional(text(FORMATS.path, "A file, relative to this one.")),
  },
  { oneOf: [{ required: ["env"] }, { required: ["file"] }] },
);
const caches = (description: string) =>
  z.optional(list(description, text(FORMATS.cache, "A cache. `{service}` is filled in."), 1, "a list of caches"));

const buildShape = {
  context: z.optional(text(FORMATS.path, "Folder that is sent to the builder, relative to this file.")),
  from: z.optional(
    text(FORMATS.word, "An image that is in the engine already, by name or ID: it is taken instead of a build."),
  ),
  archive: z.optional(
    text(
      FORMATS.path,
      "An image that was saved (`docker save`, or an OCI image layout as archive or folder): it is taken instead of a build.",
    ),
  ),
  dockerfile: z.optional(text(FORMATS.path, "Relative to the context. Default: Dockerfile.")),
  target: z.optional(text(FORMATS.word, "Stage that makes the image. Default: the last one.")),
  "test-target": z.optional(text(FORMATS.word, "Stage that runs the tests; its failure ends the run.")),
  args: z.optional(named("Build arguments. Never secrets: they stay in the image.", FORMATS.variable, scalar())),
  platforms: z.optional(
    list("Platforms, such as linux/amd64.", text(FORMATS.platform, "A platform."), 1, "a list of platforms"),
  ),
  contexts: z.optional(
    named(
      "More contexts for `FROM` and `COPY --from`: folders, addresses, images.",
      FORMATS.id,
      text(FORMATS.text, "One."),
    ),
  ),
  secrets: z.optional(
    named("For `RUN --mount=type=secret,id=…`: they never stand in the image.", FORMATS.id, secretSource),
  ),
  ssh: z.optional(
    list("For `RUN --mount=type=ssh`.", text(FORMATS.ssh, "An agent or keys."), 1, "a list such as [default]"),
  ),
  "cache-from": caches("Caches to read, such as type=gha,scope={service}."),
  "cache-to": caches("Caches to write, such as type=gha,scope={service},mode=max."),
  labels: z.optional(named("Labels besides those that tell the source.", FORMATS.label, scalar())),
  annotations: z.optional(named("Annotations of the manifest, or of the index.", FORMATS.annotation, scalar())),
  provenance: z.optional(choice(["none", "min", "max"], "What the build says about itself. Default: none.")),
  sbom: z.optional(
    about(
      z.union([z.boolean(), text(FORMATS.word, "Image of a generator.")], {
        error: () => "true, false, or the image of a generator",
      }),
      "A bill of materials in the image's index. Default: false.",
    ),
  ),
  reproducible: z.optional(
    flag(
      "In an OCI layout, the image and its files carry the commit's time, so that two builds are one digest (with `provenance` each platform's, not the index's). Default: true.",
    ),
  ),
  pull: z.optional(flag("Look for newer base images. Default: false.")),
  "no-cache": z.optional(flag("Build without what earlier builds left. Default: false.")),
  "test-reports": z.optional(
    text(FORMATS.path, "JUnit files: an absolute folder of the test stage, or a path here, relative to this file."),
  ),
  tags: z.optional(
    list(
      "Rules for tags as docker/metadata-action has them; the commit's own tag always comes first.",
      text(FORMATS.text, "A rule, such as type=semver,pattern={{version}}."),
      1,
      "a list of rules",
    ),
  ),
  flavor: z.optional(
    list("latest, prefix and suffix of these tags.", text(FORMATS.text, "Such as latest=auto."), 1, "a list"),
  ),
};
const build = section("How the image is built. Without it the service is not built here.", buildShape, {
  anyOf: [{ required: ["context"] }, { required: ["from"] }, { required: ["archive"] }],
  not: { required: ["from", "archive"] },
});

const names = section("What the service is called on an engine, only where that differs.", {
  compose: z.optional(text(FORMATS.word, "Service in the Compose files.")),
  swarm: z.optional(text(FORMATS.word, "Swarm service, such as shop_web.")),
  kubernetes: z.optional(text(FORMATS.word, "Workload, such as deployment/web.")),
  container: z.optional(text(FORMATS.word, "Container of the pod.")),
});

const image = () =>
  text(FORMATS.word, "Repository, `{service}` is filled in. A service that is not built here may be pinned by digest.");

const service = section("One service of the application.", {
  image: image(),
  build: z.optional(build),
  names: z.optional(names),
  scan: z.optional(scanOverride),
});

const serviceOverride = section("What differs for a service in this environment.", {
  image: z.optional(image()),
  build: z.optional(section("What differs in the build.", buildShape)),
  names: z.optional(names),
  scan: z.optional(scanOverride),
});

const engine = {
  context: z.optional(text(FORMATS.word, "Docker context.")),
  host: z.optional(text(FORMATS.host, "Address of the Docker engine, such as ssh://deploy@shop.example.")),
};
const files = z.optional(
  list("Relative to this file, in their order.", text(FORMATS.path, "A file."), 1, "a list of files"),
);
const manifests = z.optional(
  list(
    "Manifests: YAML files, folders of them, folders with a kustomization. Without them, only images of what runs change.",
    text(FORMATS.path, "A file or a folder."),
    1,
    "a list of files and folders",
  ),
);
const oneEngine = { not: { required: ["context", "host"] } };

const kinds = "compose, swarm, kubernetes";
const target = about(
  z.discriminatedUnion(
    "kind",
    [
      section(
        "Docker Compose.",
        {
          kind: z.literal("compose"),
          ...engine,
          project: z.optional(text(FORMATS.name, "Compose project. Default: the application.")),
          files,
          profiles: z.optional(
            list(
              "Profiles of the Compose files that are part of it.",
              text(FORMATS.service, "A profile."),
              1,
              "a list of names",
            ),
          ),
          directory: z.optional(text(FORMATS.path, "Compose's project directory. Default: the first file's folder.")),
        },
        oneEngine,
      ),
      section(
        "Docker Swarm.",
        {
          kind: z.literal("swarm"),
          ...engine,
          stack: z.optional(text(FORMATS.name, "Stack. Default: the application.")),
          files,
        },
        oneEngine,
      ),
      section("Kubernetes.", {
        kind: z.literal("kubernetes"),
        kubeconfig: z.optional(
          text(FORMATS.path, "File, relative to this one. Default: what kubectl itself would use."),
        ),
        context: z.optional(text(FORMATS.word, "Context of the kubeconfig. Default: its current one.")),
        namespace: z.optional(
          text(FORMATS.namespace, "Namespace; it must exist. Default: the context's own, else `default`."),
        ),
        files: manifests,
      }),
    ],
    {
      error: (issue) =>
        issue.code === "invalid_union" ? kinds : "a mapping such as { kind: compose, files: [compose.yaml] }",
    },
  ),
  "The engine that runs the release.",
);

const rollout = section("How a deployment proceeds and what it tolerates.", {
  strategy: z.optional(choice(["rolling", "recreate"], "recreate accepts downtime for services that can't overlap.")),
  start: z.optional(duration("How long an instance may take to become ready for the first time. Default: 60s.")),
  deadline: z.optional(duration("How long the whole deployment may take. Default: 5m.")),
  stable: z.optional(duration("How long everything must stay right before it counts. Default: 5s.")),
  drain: z.optional(duration("How long old and new serve together before the old ones stop. Default: 2s.")),
  crashes: z.optional(whole("Crashes of one instance that make a crash loop. Default: 2.", 1, 100)),
  "on-failure": z.optional(choice(["rollback", "keep"], "What to do with a bad release. Default: rollback.")),
  "on-first-failure": z.optional(choice(["keep", "remove"], "The same for a first deployment. Default: keep.")),
  "on-cancel": z.optional(choice(["restore", "leave"], "What a cancelled run does. Default: restore.")),
  "on-locked": z.optional(
    choice(
      ["wait", "refuse", "supersede"],
      "When another is alive; supersede asks an older one to stop. Default: wait.",
    ),
  ),
  "allow-no-way-back": z.optional(flag("Deploy although what runs could not be brought back. Default: false.")),
  "allow-older": z.optional(flag("Deploy a commit although a newer one runs. Default: false.")),
  shift: z.optional(
    section("Tells a proxy about new instances.", {
      service: text(FORMATS.service, "Service in the target's files in which the command is run."),
      command,
    }),
  ),
});

const legalStatus = { error: () => FORMATS.status.legal };
const status = z.union(
  [z.int(legalStatus).check(z.gte(100, legalStatus), z.lte(599, legalStatus)), exactly(FORMATS.status)],
  legalStatus,
);

const probe = section(
  "One health question: `http`, `tcp` or `command`.",
  {
    service: z.optional(exactly(FORMATS.service, "The service that it speaks of. Default: the only one.")),
    from: z.optional(
      choice(
        ["runner", "target", "instance"],
        "Who asks: this machine, the engine's host, or each new instance by its own address.",
      ),
    ),
    http: z.optional(text(FORMATS.http, "Address to GET. Redirects are not followed.")),
    tcp: z.optional(text(FORMATS.tcp, "Host and port to connect to.")),
    command: z.optional(command),
    status: z.optional(
      about(
        z.union([status, z.array(status, legalStatus).check(z.minLength(1, legalStatus))], legalStatus),
        "Statuses that are right. Default: 2xx.",
      ),
    ),
    interval: z.optional(duration("Default: 1s.")),
    timeout: z.optional(duration("Default: 2s.")),
    retries: z.optional(whole("Failures in a row that make it failing. Default: 3.", 1, 100)),
  },
  { oneOf: [{ required: ["http"] }, { required: ["tcp"] }, { required: ["command"] }] },
);

/** The list under `health`. */
export const healthSchema = list(
  "Health questions, asked besides the containers' own HEALTHCHECK.",
  probe,
  0,
  "a list of probes",
);

const variable = z.union(
  [
    scalar(),
    section("A value from the environment of the run.", {
      env: exactly(FORMATS.variable, "Name of the environment variable."),
      default: z.optional(scalar("Taken when the environment variable is not set or empty.")),
    }),
  ],
  { error: () => "text, a number, true, false, or { env: NAME, default: text }" },
);
const variables = z.optional(
  named(`Values for \${NAME} in this file and in the target's files. Never secrets.`, FORMATS.variable, variable),
);

const environment = section("A place where the application runs.", {
  url: z.optional(text(FORMATS.url, "Where people reach it.")),
  production: z.optional(flag("GitHub's production environment. Default: whether its name is production.")),
  transient: z.optional(flag("It will be gone one day, as a preview of a pull request. Default: false.")),
  target: z.optional(target),
  variables,
  secrets: z.optional(
    named(
      "Values for the target's files, from the environment of the run: they never stand in YAML.",
      FORMATS.variable,
      section("Where the value comes from.", { env: exactly(FORMATS.variable, "Name of the environment variable.") }),
    ),
  ),
  rollout: z.optional(rollout),
  "require-signature": z.optional(signatureSchema),
  health: z.optional(healthSchema),
  scan: z.optional(scanSchema),
  services: z.optional(named("What differs for services in this environment.", FORMATS.service, serviceOverride)),
});

/** belay.yaml as a whole, without its `x-…` keys. */
export const configSchema = section(
  "belay.yaml: one application and the environments it runs in.",
  {
    version: about(z.literal(1, { error: () => "1" }), "Version of this format."),
    application: exactly(FORMATS.name, "Name of the application."),
    services: named("The services that Belay builds or deploys. Others are left untouched.", FORMATS.service, service, {
      minProperties: 1,
    }),
    variables,
    scan: z.optional(scanSchema),
    environments: z.optional(named("The environments by name.", FORMATS.environment, environment)),
  },
  { patternProperties: { "^x-": {} } },
);

export type ConfigData = z.infer<typeof configSchema>;
export type ServiceData = z.infer<typeof service>;
export type ServiceOverrideData = z.infer<typeof serviceOverride>;
export type EnvironmentData = z.infer<typeof environment>;
export type TargetData = z.infer<typeof target>;
export type RolloutData = z.infer<typeof rollout>;
export type ProbeData = z.infer<typeof probe>;
export type { ScanData } from "./scan-schema.ts";
export type { SignatureData } from "./signature-schema.ts";
export type VariableData = z.infer<typeof variable>;
