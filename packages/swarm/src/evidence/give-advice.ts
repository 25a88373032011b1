import { LABELS, scopeHash } from "@belay/core";
import { ownServices } from "../read-running.ts";
import type { TargetState } from "../target-state.ts";

export interface Advice {
  readonly title: string;
  readonly command: string;
}

/** Of so many services the logs are shown one by one: more of the same kind tell a person nothing new. */
const LOGS = 10;

/** Commands for a person, ready to paste into a shell. */
export async function giveAdvice(state: TargetState): Promise<readonly Advice[]> {
  const { options } = state;
  const services = await ownServices(state);
  const names = services.map(({ Spec }) => shellWord(Spec.Name));
  const docker = ["docker", ...(options.cliArgs ?? [])].map(shellWord).join(" ");
  const filter = shellWord(`label=${LABELS.scope}=${scopeHash(options.scope)}`);
  const scale = services.find(({ Spec }) => Spec.Mode?.Replicated != null);
  return [
    ...(names.length === 0
      ? []
      : [
          {
            title: "See every task with its error",
            command: `${docker} service ps --no-trunc ${names.join(" ")}`,
          },
          // The command takes one service.
          ...names.slice(0, LOGS).map((name) => ({
            title: `Read the logs of ${name}`,
            command: `${docker} service logs --tail 100 ${name}`,
          })),
        ]),
    {
      title: "List the services that Belay deploys here",
      command: `${docker} service ls --filter ${filter}`,
    },
    ...(scale === undefined
      ? []
      : [
          {
            title:
              "Scale by hand: the number is kept by deployments, unless the files name one (docker stack deploy would put the images of the files back)",
            command: `${docker} service scale ${shellWord(scale.Spec.Name)}=${scale.Spec.Mode?.Replicated?.Replicas ?? 1}`,
          },
        ]),
  ];
}

/** A word as a shell reads it back. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
