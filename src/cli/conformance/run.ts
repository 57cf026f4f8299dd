// Runs cases one by one. Whatever happens to one, the next is run.
import { UnsupportedError } from "../../shape/errors.ts";
import { type Case, type Environment, Mismatch } from "./case.ts";

export interface Result {
  readonly name: string;
  readonly op: string;
  readonly backend: "cpu" | "gpu";
  readonly status: "passed" | "failed" | "unsupported";
  /** The worst error as a multiple of what is tolerated; null where nothing was compared, or nothing finite. */
  readonly worst: number | null;
  /** Why it failed or is unsupported. */
  readonly reason?: string;
}

/** The cases whose op or name contains the text. */
export const choose = (cases: readonly Case[], text = ""): Case[] =>
  cases.filter(({ name, op }) => name.includes(text) || op.includes(text));

export async function runCases(
  cases: readonly Case[],
  environment: Environment,
  report: (result: Result) => void,
): Promise<void> {
  for (const one of cases) report(await runCase(one, environment));
}

async function runCase({ name, op, run }: Case, environment: Environment): Promise<Result> {
  const about = { name, op, backend: environment.device.kind };
  try {
    return { ...about, status: "passed", worst: await run(environment) };
  } catch (error) {
    if (error instanceof UnsupportedError)
      return { ...about, status: "unsupported", worst: null, reason: error.message };
    const worst = error instanceof Mismatch && Number.isFinite(error.worst) ? error.worst : null;
    return { ...about, status: "failed", worst, reason: reasonOf(error) };
  }
}

export function reasonOf(error: unknown): string {
  if (error instanceof Mismatch) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
