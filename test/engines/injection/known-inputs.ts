/** How a hostile value is tried in an input. */
export interface KnownInput {
  /**
   * `closed`: only some words, numbers, durations or names are legal, and anything else is refused as INVALID_INPUT before
   * it gets anywhere. `open`: some texts can be right.
   */
  readonly kind: "closed" | "open";
  /** What is right about a value but its hostile part, for which `V` stands (`J`: in JSON; `R`: address of a server). */
  readonly shapes: readonly string[];
  /** Makes what the value names, when it is a path: a copy of this file of the repository, or of its folder `.`. */
  readonly copyOf?: string;
  /** Closed, and refused only by what the value is looked for in, so that each value is tried in a process. */
  readonly late?: true;
  /** Whatever it says is right, in its first shape, and the step ends as well as without it. */
  readonly free?: true;
  /** Other inputs, without which this one is out of place. */
  readonly with?: Readonly<Record<string, string>>;
}

const closed: KnownInput = { kind: "closed", shapes: ["V"] };
const late: KnownInput = { ...closed, late: true };
const open = (...shapes: string[]): KnownInput => ({ kind: "open", shapes: shapes.length === 0 ? ["V"] : shapes });
const path = (copyOf: string, ...shapes: string[]): KnownInput => ({ ...open(...shapes), copyOf });
const free = (known: KnownInput): KnownInput => ({ ...known, free: true });
const on = (target: string, { kind, ...more }: KnownInput): KnownInput => ({ ...more, kind, with: { target } });

const KUBECONFIG = `{"clusters":[{"name":"c","cluster":{"server":"https://127.0.0.1:1"}}],"users":[],"current-context":J,"contexts":[{"name":J,"context":{"cluster":"c"}}]}`;

/** Every input of every action. One that is not here fails the test: nobody has thought yet about what it may hold. */
export const KNOWN_INPUTS: Readonly<Record<string, KnownInput>> = {
  config: free(path("belay.yaml")),
  environment: open(),
  "working-directory": path("."),
  application: late,
  service: late,
  image: late,
  "build-context": path("context"),
  dockerfile: path("Dockerfile"),
  "build-target": open(),
  "test-target": open(),
  "build-args": open("A=V"),
  platforms: late,
  "from-image": open(),
  "from-archive": open(),
  "build-contexts": open("a=V"),
  "secret-envs": open("a=V"),
  "secret-files": open("a=V", "V=belay.yaml"),
  ssh: open("a=V", "V"),
  "cache-from": open("type=local,src=V", "V"),
  "cache-to": open("type=local,dest=V", "V"),
  labels: open("a=V", "V=a"),
  annotations: open("a=V", "V=a"),
  provenance: closed,
  sbom: open(),
  reproducible: closed,
  pull: closed,
  "no-cache": closed,
  "test-reports": open(),
  tags: open("type=raw,value=V", "V", "type=match,pattern=V", "type=raw,value={{V}}"),
  flavor: open("prefix=V", "V"),
  url: open("http://127.0.0.1:1/V", "V"),
  target: closed,
  context: open(),
  host: open("ssh://V", "ssh://-oProxyCommand=V", "tcp://V", "unix:///V", "V"),
  project: late,
  files: free(path("compose.yaml")),
  directory: free(path("context")),
  stack: on("swarm", late),
  namespace: on("kubernetes", late),
  kubeconfig: on("kubernetes", path("kubeconfig.json")),
  "kubeconfig-data": on("kubernetes", open("V", KUBECONFIG)),
  variables: open("NOTE=V", "V=a"),
  health: open("web runner R?V", "V"),
  "require-signature": path("cosign.pub", "V", "https://github.com/V"),
  strategy: closed,
  start: closed,
  deadline: closed,
  stable: closed,
  drain: closed,
  crashes: closed,
  "on-failure": closed,
  "on-first-failure": closed,
  "on-cancel": closed,
  "on-locked": closed,
  "allow-no-way-back": closed,
  "allow-older": closed,
  builder: closed,
  scan: closed,
  "scan-fail-on": closed,
  "scan-ignore-unfixed": closed,
  "scan-ignore-files": free(path("ignore.txt")),
  "scan-only-new": closed,
  "scan-allow-unknown-os": closed,
  "scan-allow-partial": closed,
  "scan-scanners": closed,
  "scan-max-db-age": closed,
  "scan-db-repository": { ...late, shapes: ["V", "127.0.0.1:1/V"] },
  "scan-timeout": closed,
  "scan-cache-dir": free(path("../trivy-cache")),
  "scan-server": open("V", "http://127.0.0.1:1/V"),
  scanner: closed,
  "scan-formats": closed,
  "scan-upload": closed,
  "allow-dirty": closed,
  "max-parallel": closed,
  attach: closed,
  "push-timeout": closed,
  release: free(path("../after/push/release.json", "V", "run:V")),
  comment: closed,
  "comment-author": free(open()),
  sign: closed,
  "fulcio-url": free(open("http://127.0.0.1:1/V", "V")),
  "rekor-url": open("http://127.0.0.1:1/V", "V"),
  "github-token": open(),
  "fail-on": closed,
  last: closed,
  "keep-younger-than": closed,
  "dry-run": closed,
  "github-registry": closed,
  to: late,
  reason: free(open()),
  report: path("../report.json"),
};
