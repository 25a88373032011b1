export { parseCommandFile } from "./command-file.ts";
export { plainCompose, waitForAnswer } from "./plain-compose.ts";
export { announceCommit, type CliOptions, type CliRun, readReport, runCli } from "./run-cli.ts";
export { runStep, type ShopStep, type ShopStepOptions } from "./run-step.ts";
export { makeShopRepository, type ShopRepository } from "./shop-repository.ts";
export { openShop, SHOP_PULL_REQUEST, SHOP_TOKEN, type ShopStage } from "./shop-stage.ts";
