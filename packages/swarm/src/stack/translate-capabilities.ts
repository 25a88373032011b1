/** Capabilities as docker's command line sends them (docker/cli, `opts/capabilities.go`): full names, adding wins. */
export function translateCapabilities(add: readonly string[] = [], drop: readonly string[] = []) {
  const added = normalise(add);
  const dropped = normalise(drop).filter((name) => !added.includes(name));
  return { add: added, drop: dropped };
}

function normalise(names: readonly string[]): string[] {
  const full = names.map((name) => {
    const upper = name.trim().toUpperCase();
    return upper === "ALL" || upper === "RESET" || upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
  });
  if (full.includes("ALL")) return ["ALL"];
  return [...new Set(full)].filter((name) => name !== "RESET").sort();
}
