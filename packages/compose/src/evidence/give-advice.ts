import { relative, resolve } from "node:path";
import { type ComposeContainer, isLive } from "../containers/compose-container.ts";
import { belayLabelsOf } from "../read-running.ts";
import type { TargetState } from "../target-state.ts";

export interface Advice {
  readonly title: string;
  readonly command: string;
}

/** Commands for a person, ready to paste into a shell in the project's folder. */
export async function giveAdvice(state: TargetState): Promise<readonly Advice[]> {
  const { options } = state;
  const names = Object.values(options.services).map(({ name }) => name);
  const containers = await state.watch.read(new Set(names), "listed");
  const live = containers.filter((one) => isLive(one) && one.scope !== undefined);
  const docker = dockerOf(options).map(shellWord).join(" ");
  const project = shellWord(options.scope.project);
  const coherent = names.flatMap((name) => {
    const own = live.filter((one) => one.service === name);
    const [sample] = own;
    return sample === undefined ? [] : [{ name, sample, count: own.length }];
  });
  return [
    ...(coherent.length === 0
      ? []
      : [
          {
            title:
              "Run compose by hand without undoing the deployment (a plain up would put the images of the files back)",
            command: coherentCommand(state, coherent),
          },
        ]),
    {
      title: "Read the logs",
      command: `${docker} compose -p ${project} logs --tail 100 ${names.map(shellWord).join(" ")}`,
    },
    {
      title: "List the containers with the deployment that made each",
      command: `${docker} ps -a --filter label=com.docker.compose.project=${project} --format ${shellWord('table {{.Names}}\t{{.Status}}\t{{.Label "dev.belay.deployment"}}\t{{.Image}}')}`,
    },
  ];
}

/**
 * `docker compose up` of Belay's services with the images, labels, numbers and variables that run: it changes nothing, where
 * a plain one would put back the images of the files. Other services are not named, so they stay as they are. Secrets have
 * to be set by whoever runs it.
 */
function coherentCommand(
  state: TargetState,
  services: readonly { readonly name: string; readonly sample: ComposeContainer; readonly count: number }[],
): string {
  const { options } = state;
  const given = options.files.length > 0 ? options.files : ["compose.yaml"];
  const files = given.map((file) => relative(options.projectDirectory, resolve(options.projectDirectory, file)));
  const secrets = [...(options.secretNames ?? []), ...Object.keys(options.missingSecrets ?? {})];
  const variables = Object.entries(options.env).filter(([name]) => !secrets.includes(name));
  const words = [
    ...[...dockerOf(options), "compose", "-p", options.scope.project],
    ...(options.profiles ?? []).flatMap((profile) => ["--profile", profile]),
    ...[...files, "-"].flatMap((file) => ["-f", file]),
    ...["up", "-d", "--no-build", "--no-deps"],
    ...services.flatMap(({ name, count }) => ["--scale", `${name}=${count}`]),
    ...services.map(({ name }) => name),
  ];
  const environment = variables.map(([name, value]) => `${name}=${shellWord(value)} `).join("");
  const needed = secrets.length === 0 ? [] : [`# Set and export first: ${secrets.join(", ")}`];
  const pins = services.flatMap(({ name, sample }) => [
    `  ${JSON.stringify(name)}:`,
    `    image: ${JSON.stringify(sample.inspect.Config.Image ?? sample.inspect.Image)}`,
    "    labels:",
    // Compose fills `$` in, and `$$` is one.
    ...Object.entries(belayLabelsOf(sample)).map(
      ([key, value]) => `      ${key}: ${JSON.stringify(value.replaceAll("$", "$$$$"))}`,
    ),
  ]);
  return [...needed, `${environment}${words.map(shellWord).join(" ")} <<'EOF'`, "services:", ...pins, "EOF"].join("\n");
}

/** The docker command line as a person needs it to reach this engine. */
export function dockerOf({ cliArgs = [], shownCliArgs = cliArgs }: TargetState["options"]): readonly string[] {
  return ["docker", ...shownCliArgs];
}

/** A word as a shell reads it back. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
