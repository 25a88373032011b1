import type { ComposeContainer } from "../containers/compose-container.ts";
import { type ComposeService, undouble } from "../files/compose-project.ts";

/** One line per difference between a running container and what the files say. Names only, never values. */
export function describeDifferences(
  service: ComposeService,
  current: readonly ComposeContainer[],
  imageEnv: readonly string[],
  counts: { readonly live: number; readonly desired: number },
): string[] {
  const [sample] = current;
  if (sample === undefined) return [];
  const { Image, Env, Cmd } = sample.inspect.Config;
  const lines = [
    ...(Image === service.image ? [] : [`image: ${Image} → ${service.image}`]),
    ...environmentDifferences(service, Env ?? [], imageEnv),
    ...(service.command && JSON.stringify(undouble(service.command)) !== JSON.stringify(Cmd ?? [])
      ? ["command changed"]
      : []),
  ];
  const what = lines.length > 0 ? lines : ["configuration changed"];
  return counts.live === counts.desired ? what : [...what, `replicas: ${counts.live} → ${counts.desired}`];
}

function environmentDifferences(
  service: ComposeService,
  running: readonly string[],
  imageEnv: readonly string[],
): string[] {
  const before = variables(running);
  const fromImage = variables(imageEnv);
  const wanted = Object.entries(service.environment ?? {});
  const lines = wanted.flatMap(([name, value]) => {
    const old = before.get(name);
    if (old === undefined) return [`environment: ${name} added`];
    return old === undouble([value ?? ""])[0] ? [] : [`environment: ${name} changed`];
  });
  const gone = [...before].filter(
    ([name, value]) => !(name in (service.environment ?? {})) && fromImage.get(name) !== value,
  );
  return [...lines, ...gone.map(([name]) => `environment: ${name} removed`)];
}

function variables(env: readonly string[]): Map<string, string> {
  return new Map(
    env.map((line) => {
      const at = line.indexOf("=");
      return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}
