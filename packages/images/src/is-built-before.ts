import type { BuildSettings } from "@belay/config";

/** Whether the service's image is taken as somebody else built it. */
export function isBuiltBefore({ from, archive }: BuildSettings): boolean {
  return from !== undefined || archive !== undefined;
}
