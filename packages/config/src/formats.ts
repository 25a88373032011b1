/** A kind of text in belay.yaml: how it must look, and how people are told so. */
export interface Format {
  /** Source of a regular expression for the whole text. Kept simple: it also goes into the JSON Schema. */
  readonly pattern: string;
  readonly legal: string;
}

const HOST = String.raw`(?:[^\s:/?#@\[\]]+|\[[0-9A-Fa-f:.]+\])`;
const PORT = ":[0-9]{1,5}";
const REST = String.raw`(?:[/?#]\S*)?`;

export const FORMATS = {
  name: {
    pattern: "[a-z0-9][a-z0-9_-]{0,62}",
    legal: "small letters, digits, `-` and `_`, at most 63, beginning with a letter or digit",
  },
  namespace: {
    pattern: "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?",
    legal: "small letters, digits and `-`, at most 63, beginning and ending with a letter or digit",
  },
  service: {
    pattern: "[A-Za-z0-9][A-Za-z0-9._-]{0,62}",
    legal: "letters, digits, `.`, `-` and `_`, at most 63, beginning with a letter or digit",
  },
  environment: {
    pattern: "[A-Za-z0-9][A-Za-z0-9._/-]{0,99}",
    legal: "letters, digits, `.`, `/`, `-` and `_`, at most 100, beginning with a letter or digit",
  },
  variable: { pattern: "[A-Za-z_][A-Za-z0-9_]*", legal: "letters, digits and `_`, not beginning with a digit" },
  text: { pattern: String.raw`(?:[^\x00\r\n]*[^\s\x00][^\x00\r\n]*)`, legal: "text of one line" },
  path: { pattern: String.raw`(?:[^\x00\r\n]*[^\s\x00][^\x00\r\n]*)`, legal: "a path relative to this file" },
  word: { pattern: String.raw`[^\s-]\S*`, legal: "text without spaces that does not begin with `-`" },
  url: {
    pattern: `https?://${HOST}(?:${PORT})?${REST}`,
    legal: "an address such as https://shop.example, without user name and password",
  },
  http: {
    pattern: `https?://${HOST}?(?:${PORT})?${REST}`,
    legal: "an address such as http://127.0.0.1:8080/healthz (with `from: instance` also http://:8080/healthz)",
  },
  tcp: {
    pattern: `${HOST}?${PORT}`,
    legal: "host and port such as 127.0.0.1:5432 (with `from: instance` also :5432)",
  },
  host: {
    pattern: String.raw`(?:ssh|tcp|unix|npipe|https?)://\S+`,
    legal: "an address such as ssh://deploy@shop.example, tcp://10.0.0.5:2376 or unix:///var/run/docker.sock",
  },
  repository: {
    pattern: "[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}",
    legal: "owner and name of a GitHub repository, such as acme/shop",
  },
  /** Name of a secret in `RUN --mount=type=secret,id=…`, of a build context, of a builder. */
  id: {
    pattern: "[A-Za-z0-9][A-Za-z0-9._-]{0,127}",
    legal: "letters, digits, `.`, `-` and `_`, beginning with a letter or digit",
  },
  /** Key of a label. */
  label: {
    pattern: "[A-Za-z0-9][A-Za-z0-9._/-]{0,254}",
    legal: "letters, digits, `.`, `/`, `-` and `_`, beginning with a letter or digit",
  },
  /** Key of an annotation, with where it goes (buildx: `index:`, `manifest[linux/arm64]:`, …). */
  annotation: {
    pattern: String.raw`(?:[a-z-]+(?:\[[a-z0-9/_]+\])?(?:,[a-z-]+(?:\[[a-z0-9/_]+\])?)*:)?[A-Za-z0-9][A-Za-z0-9._/-]{0,254}`,
    legal: "a key such as org.opencontainers.image.description, with `index:` or `manifest:` before it",
  },
  ssh: {
    pattern: String.raw`[A-Za-z0-9][A-Za-z0-9._-]*(?:=[^\x00\r\n]+)?`,
    legal: "`default` (the agent of the run), or a name and a key or socket such as deploy=keys/id_ed25519",
  },
  cache: {
    pattern: String.raw`(?:[a-z]+=[^\x00\r\n,]*(?:,[a-z_-]+=[^\x00\r\n,]*)*|[^\s-][^\s=,]*)`,
    legal: "a cache such as type=gha,scope={service}, or the name of an image",
  },
  platform: { pattern: "[a-z0-9]+/[a-z0-9_]+(?:/v[0-9]+)?", legal: "system and processor, such as linux/amd64" },
  duration: {
    pattern: "0|(?:[0-9]+(?:[.][0-9]+)?(?:ms|s|m|h|d))+",
    legal: "a number with a unit, such as 500ms, 10s, 5m, 1h30m",
  },
  status: { pattern: "[1-5][0-9][0-9]|[1-5]xx", legal: "a status such as 200, a class such as 2xx, or a list of them" },
} as const satisfies Record<string, Format>;

/** Whether `text` as a whole has the format. */
export function hasFormat(text: string, format: Format): boolean {
  return new RegExp(`^(?:${format.pattern})$`).test(text);
}

/** The format, or a text with `${NAME}` in it, which can be judged only once that is filled in. */
export function templateOf(format: Format): RegExp {
  return new RegExp(`^(?:${format.pattern})$|\\$\\{`);
}
