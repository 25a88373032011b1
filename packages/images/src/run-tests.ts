import { mkdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { BelayError, isBelayError, type TestCounts } from "@belay/core";
import type { BuildArguments } from "./build-arguments.ts";
import type { BuiltImage, ServiceBuild } from "./build-service.ts";
import { repositoryOf, runBuilder } from "./run-builder.ts";
import { readReports } from "./test-reports/read-reports.ts";
import { REPORTS_STAGE, writeReportsDockerfile } from "./test-reports/reports-dockerfile.ts";
import { tellReports } from "./test-reports/tell-reports.ts";

type Tested = Pick<BuiltImage, "tested" | "reports">;

/**
 * Reads the reports that lie on this machine, runs the test stage and reads those that it wrote. `folder` is the caller's, for
 * files in between.
 * @throws BelayError TESTS_FAILED, BUILD_FAILED, INVALID_INPUT when the test stage has no reports where they should be
 */
export async function runTests(
  options: ServiceBuild,
  request: Omit<BuildArguments, "target" | "output">,
  folder: string,
): Promise<Tested> {
  const { testTarget, testReports, testReportFiles } = options.build;
  const onDisk = testReportFiles === undefined ? {} : { reports: await tell(options, testReportFiles) };
  if (testTarget === undefined) return { tested: false, ...onDisk };
  const testing = { testing: true, stage: testTarget };
  if (testReports === undefined) {
    await runBuilder(options, { ...request, target: testTarget, output: { kind: "none" } }, testing);
    return { tested: true, ...onDisk };
  }
  const path = join(folder, "reports");
  await mkdir(path);
  const build = { ...options.build, dockerfile: await reportsDockerfile(options, testTarget, testReports, folder) };
  const output = { kind: "files", path } as const;
  await runBuilder(options, { ...request, build, target: REPORTS_STAGE, output }, testing).catch((error: unknown) => {
    throw isMissing(error, testReports) ? noReports(options.service, testTarget, testReports) : error;
  });
  return { tested: true, reports: await tell(options, path) };
}

async function reportsDockerfile(
  { build }: ServiceBuild,
  testTarget: string,
  path: string,
  folder: string,
): Promise<string> {
  const dockerfile = build.dockerfile ?? join(build.context, "Dockerfile");
  try {
    return await writeReportsDockerfile({ dockerfile, folder, testTarget, path });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    // The builder's own words about it are the better ones.
    return dockerfile;
  }
}

async function tell({ service, build, log, cli, directory }: ServiceBuild, path: string): Promise<TestCounts> {
  const reports = await readReports(path, (message) => log.warn(`${service}: ${message}`));
  if (reports.tests === 0) log.warn(`${service}: there is no JUnit report with a test in \`test-reports\``);
  const rootOf = (): Promise<string> => repositoryOf(cli.runner, directory);
  await tellReports({ service, reports, context: await realpath(build.context), rootOf, log });
  const { tests, failed, skipped, durationMs } = reports;
  return { tests, failed, skipped, durationMs };
}

/** BuildKit, `cache/contenthash`: `"/reports": not found`. */
function isMissing(error: unknown, path: string): boolean {
  return isBelayError(error, "BUILD_FAILED") && error.got.includes(`${JSON.stringify(path)}: not found`);
}

function noReports(service: string, testTarget: string, path: string): BelayError {
  return new BelayError("INVALID_INPUT", {
    doing: `reading the test reports of ${service}`,
    got: `the stage ${testTarget} has no ${path}`,
    next: `Let its tests write JUnit files there, or correct services.${service}.build.test-reports.`,
  });
}
