import { describe, expect, it } from "vitest";
import { expiryOf } from "./expiring-auth.ts";
import type { RegistryAuth } from "./registry-auth.ts";

const SECRET = "eyJhbGciOi-secret";
const NULL_GUID = "00000000-0000-0000-0000-000000000000";
const JOBS = { username: "ada", password: `ghs_${SECRET}` };
const GITLAB = { username: "gitlab-ci-token", password: SECRET };
const AWS = { username: "AWS", password: SECRET };
const GOOGLE = { username: "oauth2accesstoken", password: SECRET };
const AZURE = { username: NULL_GUID, identitytoken: SECRET };

describe("credentials that end by themselves", () => {
  it.each<[string, RegistryAuth, RegExp]>([
    ["ghcr.io", JOBS, /ends with the job or after an hour$/],
    [
      "ghcr.io",
      { username: "x-access-token", password: "ghs_123_e30.e30.c2ln" },
      /ends with the job or after an hour$/,
    ],
    ["registry.gitlab.com", GITLAB, /ends with the job$/],
    ["git.acme.example:5050", GITLAB, /ends with the job$/],
    ["123456789012.dkr.ecr.eu-west-1.amazonaws.com", AWS, /ends after 12 hours$/],
    ["123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", AWS, /ends after 12 hours$/],
    ["123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", AWS, /ends after 12 hours$/],
    ["123456789012.dkr-ecr.eu-west-1.on.aws", AWS, /ends after 12 hours$/],
    ["public.ecr.aws", AWS, /ends after 12 hours$/],
    ["europe-west1-docker.pkg.dev", GOOGLE, /ends after an hour unless/],
    ["eu.gcr.io", { ...GOOGLE, username: "_dcgcloud_token" }, /ends after an hour unless/],
    ["gcr.io", { ...GOOGLE, username: "_dcgcr_2_1_32_token" }, /ends after an hour unless/],
    ["acme.azurecr.io", AZURE, /ends after three hours$/],
    ["acme.azurecr.io", { username: NULL_GUID, password: SECRET }, /ends after three hours$/],
    ["acme-x1y2.azurecr.io", { username: "<token>", identitytoken: SECRET }, /ends after three hours$/],
  ])("are told at %s, and not shown (%o)", (registry, auth, what) => {
    const expiry = expiryOf(registry, auth);
    expect(expiry?.what).toMatch(what);
    expect(expiry?.remedy).toMatch(/^.+\.$/);
    expect(JSON.stringify(expiry)).not.toContain(SECRET);
  });
});

describe("nothing is said of", () => {
  it.each<[string, string, RegistryAuth]>([
    ["a personal access token of GitHub's", "ghcr.io", { username: "ada", password: "ghp_secret" }],
    ["a fine-grained one", "ghcr.io", { username: "ada", password: "github_pat_secret" }],
    ["a password that looks like a job's token, elsewhere", "docker.io", JOBS],
    ["an access token of Docker Hub's", "docker.io", { username: "ada", password: "dckr_pat_secret" }],
    [
      "a deploy token of GitLab's",
      "registry.gitlab.com",
      { username: "gitlab+deploy-token-1", password: "gldt-secret" },
    ],
    ["a user of that name at another registry than ECR", "registry.example", AWS],
    ["a host that only begins as ECR's", "1.dkr.ecr.eu-west-1.amazonaws.com.evil.example", AWS],
    ["a host that only ends as Google's", "notgcr.io", GOOGLE],
    ["a service account's key", "europe-docker.pkg.dev", { username: "_json_key", password: "{}" }],
    ["a token's name and password at Azure", "acme.azurecr.io", { username: "ci-token", password: SECRET }],
    ["a service principal", "acme.azurecr.io", { username: "5f2c6b1e-0000-4000-8000-000000000000", password: SECRET }],
    ["an identity token of another registry", "docker.io", { username: "ada", identitytoken: SECRET }],
    ["a robot account", "quay.io", { username: "acme+ci", password: SECRET }],
    ["nobody", "ghcr.io", {}],
  ])("%s", (_, registry, auth) => expect(expiryOf(registry, auth)).toBeUndefined());
});
