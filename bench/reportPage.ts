// `bench report`: one static page of all result files, with plots and tables.
import { writeFileSync } from "node:fs";
import { readResults } from "./results.ts";
import { runSuite } from "./run.ts";
import { compareTable } from "./suites/compareTable.ts";
import { gpuVsCpuTable } from "./suites/gpuVsCpuTable.ts";
import { kernelsTable } from "./suites/kernelsTable.ts";
import type { Plots, Suites } from "./suites/report.ts";
import { startupTable } from "./suites/startup.ts";
import { trainTable } from "./suites/trainTable.ts";

type Section = { readonly title: string; readonly table: (result: never) => string };

/** How a suite's result is headed and printed. */
export const sections: Record<keyof Suites, Section> = {
  compare: { title: "Beside the peers", table: compareTable },
  train: { title: "Training", table: trainTable },
  startup: { title: "Start-up", table: startupTable },
  kernels: { title: "Kernels", table: kernelsTable },
  "gpu-vs-cpu": { title: "GPU and CPU over sizes", table: gpuVsCpuTable },
};

const style = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1000px; margin: 2em auto; padding: 0 1em; color: #222; }
pre { font-size: 12px; overflow-x: auto; background: #f6f6f6; padding: 1em; }
figure { margin: 0; }
.grid { display: flex; flex-wrap: wrap; gap: 1.5em; }
.about { color: #666; }`;

const escapeHtml = (text: string): string => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");

/** Writes the page. Throws if there are no results. */
export async function writeReport(folder: string, path: string): Promise<void> {
  const files = readResults(folder);
  if (files.length === 0) throw new Error(`bench report: no results in ${folder}; run a suite first`);
  const parts: string[] = [];
  for (const { device, suites } of files) {
    const plots = await runSuite<Suites, never, Plots>("report", suites as unknown as Suites, "chrome", console.error);
    parts.push(`<h1>${escapeHtml(device)}</h1>`);
    for (const [name, { title, table }] of Object.entries(sections)) {
      const result = suites[name];
      if (!result) continue;
      const days = [...new Set(result.rows.map(({ run }) => run.slice(0, 10)))].sort();
      parts.push(
        `<h2>${title}</h2><p class="about">npm run bench -- ${name} · ${escapeHtml(result.machine)} · ${days.join(", ")}</p>`,
        plots[name as keyof Suites] ?? "",
        `<details><summary>Figures</summary><pre>${escapeHtml(table(result as never))}</pre></details>`,
      );
    }
  }
  const head = `<meta charset="utf-8"><title>wgrad: benchmarks</title><style>${style}</style>`;
  writeFileSync(
    path,
    `<!doctype html>\n<html lang="en"><head>${head}</head>\n<body>${parts.join("\n")}</body></html>\n`,
  );
}
