// The shell of every page, put round its HTML when it is served or built: head, header with navigation, footer. A page's own index.html holds
// its title, its script and what goes into <main>.
import type { Plugin } from "vite";

/** Folders of the pages, as they stand in the navigation. */
export const pages = [
  { folder: "", name: "Start" },
  { folder: "train/", name: "Train" },
  { folder: "inspect/", name: "Look inside" },
  { folder: "benchmark/", name: "Benchmark" },
  { folder: "notes/", name: "Notes" },
] as const;

const icon =
  "data:image/svg+xml," +
  encodeURIComponent(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#2f5bea"/><path d="M6 8c1 11 4 16 7 16 4 0 3-9 6-9 2 0 2 6 7 6" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round"/></svg>`,
  );

/** Runs before the page is drawn: the theme that was chosen, else the system's. */
const theme = `try { document.documentElement.dataset.theme = localStorage.getItem("wgrad-theme") ?? "system" } catch {}`;

const head = (root: string) => `
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <link rel="icon" href="${icon}">
  <link rel="stylesheet" href="${root}common/style.css">
  <script>${theme}</script>
  <script type="module" src="${root}common/shell.ts"></script>`;

function header(root: string, current: string): string {
  const links = pages
    .slice(1)
    .map(({ folder, name }) => {
      const here = folder === current ? ` aria-current="page"` : "";
      return `<a href="${root}${folder}index.html"${here}>${name}</a>`;
    })
    .join("");
  const here = current === "" ? ` aria-current="page"` : "";
  return `
  <a class="skip" href="#main">Skip to the content</a>
  <header class="site">
    <a class="brand" href="${root}index.html"${here}><img src="${icon}" alt="" width="26" height="26">wgrad</a>
    <nav aria-label="Pages">${links}</nav>
    <button type="button" class="quiet" id="theme">Theme</button>
  </header>`;
}

const footer = `
  <footer class="site">
    wgrad trains neural networks on the GPU through WebGPU. All of this is computed in your browser; nothing is uploaded.
  </footer>`;

export function shell(): Plugin {
  return {
    name: "shell",
    transformIndexHtml: {
      order: "pre",
      handler(html, { path }) {
        const current = path.replace(/^\//, "").replace(/index\.html$/, "");
        const root = current === "" ? "./" : "../";
        return html
          .replace("<head>", `<head>${head(root)}`)
          .replace("<body>", `<body>${header(root, current)}`)
          .replace("</body>", `${footer}</body>`);
      },
    },
  };
}
