/** What the one step does, loaded when its inputs are right. */
export { build, deploy, push, report, scan, sign } from "@belay/pipeline";
