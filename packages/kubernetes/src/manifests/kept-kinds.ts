/** Removing one of these removes data or everything that depends on it. */
const KEPT = new Set(["PersistentVolumeClaim", "PersistentVolume", "Namespace", "CustomResourceDefinition"]);

/** Whether Belay never removes objects of this kind, not even those that it made itself. */
export function isKept(kind: string): boolean {
  return KEPT.has(kind);
}
