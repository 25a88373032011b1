import { BelayError, Inputs } from "@belay/core";
import { describe, expect, it } from "vitest";
import { trivyActionCall } from "./trivy-action-call.ts";
import { TRIVY_ACTION_RULES } from "./trivy-action-rules.ts";

const IMAGE = "ghcr.io/acme/shop:1";

function call(values: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}) {
  return trivyActionCall(new Inputs((name) => values[name]), env);
}

const HOSTILE = [
  "$(touch x)",
  "`touch x`",
  "x\n::set-output name=outcome::succeeded",
  "x\r\ny",
  "--help",
  "-x",
  "a\u202eb",
  "ünï",
  "'; touch x; '",
  '"; touch x; "',
  "a & b",
  "a | b",
  "a > b",
  "$HOME",
  "~/x",
  "%0A::error::x",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of GitHub, as text
  "${{ github.token }}",
  "a\0b",
];

describe("a call of trivy-action", () => {
  it("hands on what means the same, and nothing else", () => {
    const made = call({
      "image-ref": IMAGE,
      scanners: "vuln,secret",
      timeout: "1h30m",
      "docker-host": "unix:///run/docker.sock",
      "cache-dir": "/cache/trivy",
      platforms: "linux/amd64, linux/arm64\nlinux/amd64",
      format: "json",
      "exit-code": "0",
    });
    expect(made.inputs).toEqual({
      "image-ref": IMAGE,
      scanners: "vuln,secret",
      timeout: "1h30m",
      "docker-host": "unix:///run/docker.sock",
      "cache-dir": "/cache/trivy",
    });
    expect(made.platforms).toEqual(["linux/amd64", "linux/arm64"]);
    expect(made).toMatchObject({ download: {}, blind: [] });
  });

  it.each([
    ["scanners", "vuln, secret", "vuln,secret"],
    ["vuln-type", "os ,\tlibrary", "os,library"],
    ["skip-dirs", "usr/share/** , /opt/a-b", "usr/share/**,/opt/a-b"],
    ["skip-files", "a,\n  b", "a,b"],
  ])(
    "hands on the list `%s` without the blanks, which Trivy would take for a part of a name",
    (name, given, wanted) => {
      expect(call({ "image-ref": IMAGE, [name]: given }).inputs[name]).toBe(wanted);
    },
  );

  it.each(["scanners", "vuln-type", "skip-dirs", "skip-files"])("refuses a list `%s` with an empty part", (name) => {
    const value = { scanners: "vuln", "vuln-type": "os" }[name] ?? "opt";
    for (const empty of [`${value},`, `,${value}`, `${value}, ,${value}`])
      expect(() => call({ "image-ref": IMAGE, [name]: empty })).toThrow(`reading input \`${name}\``);
  });

  it("says what the report will not speak of", () => {
    const blind = (values: Readonly<Record<string, string>>) => call({ "image-ref": IMAGE, ...values }).blind;
    const part = { "skip-dirs": "usr/share/**,/opt/a-b", "skip-files": "x", "vuln-type": "os" };
    expect(blind(part)).toEqual(["of its packages only os counted", "left out was usr/share/**, /opt/a-b, x"]);
    expect(blind({ "vuln-type": "library, os" })).toEqual([]);
    expect(blind({ scanners: "secret,misconfig" })).toEqual(["nobody looked for vulnerabilities"]);
  });

  const everyInput = [...Object.keys(TRIVY_ACTION_RULES), "platforms", "checksum", "mirror"];
  it.each(everyInput)("lets nothing hostile through `%s`", (name) => {
    for (const value of HOSTILE) {
      const values = { ...(name === "input" ? {} : { "image-ref": IMAGE }), [name]: value };
      let refused = false;
      try {
        const made = call(values);
        // Given to the choice of the download, which checks it: nothing of it is ever an argument or a script.
        refused = ["checksum", "mirror"].includes(name) && made.inputs[name] === undefined;
      } catch (error) {
        refused = error instanceof BelayError && error.code === "INVALID_INPUT";
      }
      expect(refused, `${name}: ${JSON.stringify(value)}`).toBe(true);
    }
  });

  it.each(Object.entries(TRIVY_ACTION_RULES).filter(([, rule]) => rule.kind !== "same"))(
    "refuses another value of `%s`, and says why",
    (name, rule) => {
      expect(() => call({ "image-ref": IMAGE, [name]: "something" })).toThrow(`reading input \`${name}\``);
      expect(() => call({ "image-ref": IMAGE, [name]: "something" })).toThrow(rule.why);
    },
  );

  it("keeps a token that was given out of what it says", () => {
    expect(() => call({ "image-ref": IMAGE, "github-pat": "ghp_verysecret" })).not.toThrow("ghp_verysecret");
    expect(() => call({ "image-ref": IMAGE, "github-pat": "ghp_verysecret" })).toThrow("it is set");
  });

  it.each([
    [{}, "there has to be either it or `input`"],
    [{ "image-ref": IMAGE, input: "a.tar" }, "there has to be either it or `input`"],
    [{ "image-ref": IMAGE, platforms: "a/1,a/2,a/3,a/4,a/5" }, "there are 5"],
    [{ "image-ref": IMAGE, platforms: "amd64" }, '"amd64" is no platform'],
    [{ "image-ref": IMAGE, "skip-setup-trivy": "true", version: "v0.72.0" }, "nothing is downloaded"],
    [{ "image-ref": IMAGE, "skip-setup-trivy": "yes" }, "Legal: true, false"],
    [{ "image-ref": IMAGE, scanners: "vuln,all" }, "Legal: vuln, secret"],
  ])("refuses %j", (values, words) => {
    expect(() => call(values)).toThrow(words);
  });

  it("takes the Trivy of the machine when it is told to", () => {
    expect(call({ "image-ref": IMAGE, "skip-setup-trivy": "true" }).download).toBeUndefined();
  });

  it.each([
    "TRIVY_SEVERITY",
    "TRIVY_IGNOREFILE",
    "TRIVY_VEX",
    "TRIVY_CMD",
    "trivy_severity",
    "TRIVY_CONFIG",
    "TRIVY_IMAGE_CONFIG_SCANNERS",
  ])("refuses the variable %s, which would get to Trivy past the inputs", (name) => {
    expect(() => call({ "image-ref": IMAGE }, { [name]: "x" })).toThrow(name);
    expect(() => call({ "image-ref": IMAGE }, { [name]: "" })).not.toThrow();
  });

  it("lets variables stay that say where the database is, and with which name it is fetched", () => {
    const env = {
      TRIVY_USERNAME: "ada",
      TRIVY_PASSWORD: "x",
      TRIVY_DB_REPOSITORY: "registry.example/db:2",
      PATH: "/bin",
    };
    expect(call({ "image-ref": IMAGE }, env).inputs).toEqual({ "image-ref": IMAGE });
  });
});
