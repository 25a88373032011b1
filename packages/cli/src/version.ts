import manifest from "../../../package.json" with { type: "json" };

/** Version of the suite. */
export const VERSION: string = manifest.version;
