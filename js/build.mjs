// Bundles the front end into the Python package: one module and one style sheet.

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";

const out = new URL("../va_widgets/widget/static/", import.meta.url);
const options = {
  entryPoints: { annotator: "src/index.ts" },
  outdir: out.pathname,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  // Preact's classic JSX transform, as the automatic one makes the bundle larger. Without the empty tsconfig, esbuild
  // would take the transform from tsconfig.json.
  jsx: "transform",
  jsxFactory: "h",
  jsxFragment: "Fragment",
  inject: ["src/jsx.ts"],
  tsconfigRaw: {},
  logLevel: "warning",
};

if (process.argv.includes("--watch")) {
  const context = await esbuild.context(options);
  await context.watch();
} else {
  await esbuild.build(options);
  const sizes = ["annotator.js", "annotator.css"].map(
    (name) => gzipSync(readFileSync(new URL(name, out))).length,
  );
  console.log(`annotator.js ${sizes[0]} + annotator.css ${sizes[1]} = ${sizes[0] + sizes[1]} bytes gzipped`);
}
