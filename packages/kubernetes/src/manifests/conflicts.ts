import { isBelayError } from "@belay/core";
import { ApiError } from "../api/api-error.ts";

/** A field that another manager owns with another value. */
export interface FieldConflict {
  readonly manager: string;
  /** `.spec.template.spec.containers[name="web"].image` */
  readonly field: string;
}

/** Conflicts of field managers in an answer (server-side apply, "Conflicts"); empty when it was something else. */
export function conflictsOf(error: ApiError): readonly FieldConflict[] {
  const causes = error.details.causes ?? [];
  return causes
    .filter(({ reason }) => reason === "FieldManagerConflict")
    .map(({ message = "", field = "" }) => ({
      manager: /conflict with "([^"]*)"/.exec(message)?.[1] ?? "unknown",
      field,
    }));
}

/** The object changed since it was read. */
export function isStale(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409 && conflictsOf(error).length === 0;
}

/** The cluster does not know the kind: its definition may come with the same manifests. */
export function isKindMissing(error: unknown): boolean {
  return isBelayError(error, "ENGINE_ERROR") && !(error instanceof ApiError);
}

/** `\`kubectl\` owns .spec.replicas` */
export function describeConflicts(conflicts: readonly FieldConflict[]): string {
  return conflicts.map(({ manager, field }) => `\`${manager}\` owns ${field}`).join(", ");
}
