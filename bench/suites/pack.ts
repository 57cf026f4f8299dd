// `bench pack DIR`: a folder, and an archive of it, that runs the benchmarks on a bare x86-64 Linux machine with an NVIDIA GPU and no network:
// Node, Dawn, the Vulkan loader, libraries that drivers ask for, the built suites and MNIST. There: tar xf wgrad-bench.tar.xz && wgrad-bench/run.sh
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { build } from "vite";
import { bundle, bundleRuns, root } from "../../src/cli/browsers.mjs";
import { mnistFolder, mnistNames } from "../../src/cli/mnistFiles.ts";

/** Of Node, Dawn and NVIDIA's Vulkan driver. Taken along where this machine has them; used where the other has not. */
const libraries = [
  ...["libstdc++.so.6", "libgcc_s.so.1", "libatomic.so.1"],
  ...["libX11.so.6", "libXext.so.6", "libxcb.so.1", "libXau.so.6", "libXdmcp.so.6", "libbsd.so.0", "libmd.so.0"],
  ...["libGLdispatch.so.0", "libEGL.so.1", "libGLX.so.0", "libGL.so.1", "libOpenGL.so.0"],
];

/** Bytes of the archive at most. */
const largest = 60e6;

export async function pack(folder: string, send: (text: string) => void): Promise<{ archive: string; bytes: number }> {
  if (!bundleRuns)
    throw new Error(`bench pack: it packs for x86-64 Linux, on x86-64 Linux (vs ${process.platform} ${process.arch})`);
  const target = join(folder, "wgrad-bench");
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  send("builds");
  await build({
    configFile: false,
    root,
    logLevel: "error",
    ssr: { noExternal: true, external: ["webgpu"] },
    build: {
      ...{ ssr: true, outDir: target, emptyOutDir: false, target: "node20", minify: false },
      rollupOptions: {
        input: { main: join(root, "bench/pack/main.ts"), adapter: join(root, "bench/pack/adapter.ts") },
        output: { entryFileNames: "[name].js", chunkFileNames: "[name].js" },
      },
    },
  });
  writeFileSync(join(target, "package.json"), `${JSON.stringify({ type: "module", private: true })}\n`);
  send("copies");
  const run = join(target, "run.sh");
  copyFileSync(join(root, "bench/pack/run.sh"), run);
  chmodSync(run, 0o755);
  copyFileSync(realpathSync(process.execPath), join(target, "node"));
  execFileSync("strip", [join(target, "node")], { stdio: "ignore" });
  copyDawn(target);
  copyLibraries(target);
  mkdirSync(join(target, "mnist"));
  for (const name of mnistNames) copyFileSync(join(mnistFolder, name), join(target, "mnist", name));
  send("compresses");
  const archive = join(folder, "wgrad-bench.tar.xz");
  execFileSync("tar", ["-C", folder, "-cJf", archive, "wgrad-bench"], { env: { ...process.env, XZ_OPT: "-6 -T2" } });
  const bytes = statSync(archive).size;
  if (bytes > largest)
    throw new Error(
      `bench pack: ${archive} is too large (${bytes} vs at most ${largest} bytes); leave out a library, or compress harder`,
    );
  return { archive, bytes };
}

function copyDawn(target: string): void {
  const from = dirname(createRequire(import.meta.url).resolve("webgpu/package.json"));
  const to = join(target, "node_modules/webgpu");
  mkdirSync(join(to, "dist"), { recursive: true });
  for (const name of ["package.json", "index.js", "LICENSE.md", "dist/linux-x64"])
    cpSync(join(from, name), join(to, name), { recursive: true });
}

function copyLibraries(target: string): void {
  const [spare, swiftshader] = ["spare", "swiftshader"].map((name) => join(target, "lib", name)) as [string, string];
  for (const path of [spare, swiftshader]) mkdirSync(path, { recursive: true });
  copyFileSync(join(bundle(), "libvulkan.so.1"), join(spare, "libvulkan.so.1"));
  for (const name of ["libvk_swiftshader.so", "vk_swiftshader_icd.json"])
    copyFileSync(join(bundle(), name), join(swiftshader, name));
  for (const library of libraries)
    for (const place of ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/usr/lib64"])
      if (existsSync(join(place, library)) && !existsSync(join(spare, basename(library))))
        copyFileSync(realpathSync(join(place, library)), join(spare, library));
}
