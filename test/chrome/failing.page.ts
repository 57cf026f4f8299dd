// A page that fails in the way it is told, and would otherwise never end.

import type { PageModule } from "../../src/cli/page.ts";

const main: PageModule<string, never, void> = (kind) => {
  const error = new Error(`failed by ${kind}`);
  if (kind === "throw") throw error;
  if (kind === "log") console.error(error.message);
  if (kind === "reject") void Promise.reject(error);
  return new Promise(() => {});
};
export default main;
