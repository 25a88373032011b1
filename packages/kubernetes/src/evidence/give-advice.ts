import type { ObjectKey } from "../kubernetes-object.ts";
import type { TargetState } from "../target-state.ts";

/** Commands for a person, ready to paste. */
export async function giveAdvice(
  state: TargetState,
): Promise<readonly { readonly title: string; readonly command: string }[]> {
  const { options } = state;
  const kubectl = kubectlOf(options).map(shellWord).join(" ");
  const workloads = state.services.map((service) => state.keyOf(service));
  const titles = workloads.map(({ kind, name }) => shellWord(`${kind.toLowerCase()}/${name}`));
  const coherent =
    options.manifests === undefined
      ? [
          {
            title: "See what a plain `kubectl apply` of your own files would change: it puts their images back",
            command: `${kubectl} diff -f FILES`,
          },
        ]
      : [];
  return [
    ...coherent,
    ...workloads.map((workload, index) => ({
      title: `Read the logs of ${titles[index]}`,
      command: readLogs(kubectl, workload),
    })),
    {
      title: "List the workloads with the deployment that changed each",
      command: `${kubectl} get ${titles.join(" ")} --label-columns belay.dev/deployment`,
    },
    { title: "Read what the cluster tells, newest last", command: `${kubectl} get events --sort-by=.lastTimestamp` },
  ];
}

/** `kubectl logs` knows no CronJob: those of the Jobs that it has made, and of none where it has made none yet. */
function readLogs(kubectl: string, { kind, name }: ObjectKey): string {
  if (kind !== "CronJob") {
    return `${kubectl} logs ${shellWord(`${kind.toLowerCase()}/${name}`)} --all-containers --tail 100`;
  }
  const own = `?(@.metadata.ownerReferences[0].name=="${name}")`;
  const path = `jsonpath={range .items[${own}]}job/{.metadata.name}{"\\n"}{end}`;
  const jobs = `${kubectl} get jobs --output ${shellWord(path)}`;
  return `${jobs} | xargs -r -n 1 ${kubectl} logs --all-containers --tail 100`;
}

/** The kubectl command line as a person needs it to reach this namespace. */
export function kubectlOf({ kubectlArgs = [], scope }: TargetState["options"]): readonly string[] {
  return ["kubectl", ...kubectlArgs, "--namespace", scope.project];
}

/** A word as a shell reads it back. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
