/** What of a scan GitHub is given. */
export const UPLOADS = ["sarif", "dependencies"] as const;

export type Upload = (typeof UPLOADS)[number];
