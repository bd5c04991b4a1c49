// Bundles clinician_api/assets/*.{js,css} into clinician_api/static/dist/, minified, with hashed names, a
// manifest.json (name -> hashed name) and the licences of everything that went in.
import { chmod, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const sources = path.join(root, "clinician_api", "assets");
const target = path.join(root, "clinician_api", "static", "dist");

async function entryPoints() {
  const names = (await readdir(sources)).filter((name) => /\.(js|css)$/.test(name)).sort();
  if (names.length === 0) throw new Error(`no *.js or *.css in ${path.relative(root, sources)}`);
  return names.map((name) => path.join(sources, name));
}

async function bundle(entries, directory) {
  const result = await build({
    entryPoints: entries,
    outdir: directory,
    absWorkingDir: root,
    bundle: true,
    minify: true,
    format: "esm",
    target: ["es2022", "chrome111", "firefox113", "safari16.4"],
    entryNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    loader: { ".woff2": "file", ".woff": "file", ".svg": "file", ".png": "file" },
    legalComments: "eof",
    metafile: true,
    logLevel: "warning",
  });
  return result.metafile;
}

function manifest({ outputs }) {
  const named = Object.entries(outputs)
    .filter(([, output]) => output.entryPoint)
    .map(([file, output]) => [path.basename(output.entryPoint), path.basename(file)]);
  return Object.fromEntries(named.sort());
}

function packages({ inputs }) {
  const found = Object.keys(inputs).map((file) => /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1]);
  return [...new Set(found.filter(Boolean))].sort();
}

async function licence(name) {
  const home = path.join(root, "node_modules", name);
  const about = JSON.parse(await readFile(path.join(home, "package.json"), "utf8"));
  const file = (await readdir(home)).find((entry) => /^licen[cs]e/i.test(entry));
  if (!file) throw new Error(`${name} comes without a licence file; add its text before shipping it`);
  const text = await readFile(path.join(home, file), "utf8");
  return `${name} ${about.version} (${about.license})\n\n${text.trim()}\n`;
}

async function main() {
  const began = performance.now();
  // Built beside its place and moved there whole: a page served meanwhile finds the old files or the new.
  const parent = path.dirname(target);
  await mkdir(parent, { recursive: true });
  const fresh = await mkdtemp(path.join(parent, ".dist-"));
  try {
    await chmod(fresh, 0o755);
    const meta = await bundle(await entryPoints(), fresh);
    const licences = await Promise.all(packages(meta).map(licence));
    await writeFile(path.join(fresh, "manifest.json"), JSON.stringify(manifest(meta), null, 1) + "\n");
    await writeFile(path.join(fresh, "LICENSES.txt"), licences.join("\n" + "-".repeat(80) + "\n\n"));
    await rm(target, { recursive: true, force: true });
    await rename(fresh, target);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  console.log(`Built ${path.relative(root, target)} in ${Math.round(performance.now() - began)} ms`);
}

await main().catch((error) => {
  console.error(`The web assets were not built: ${error.message}`);
  process.exit(1);
});
