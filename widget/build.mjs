// Builds dist/ from the sources: `node build.mjs`. `node build.mjs --check` proves that dist/ is
// what the sources give, and changes nothing.
import { build } from "esbuild";
import { minify } from "terser";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  gunzipSync,
  gzipSync,
} from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");
const shared = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  write: false,
  target: ["es2022", "chrome105", "firefox115", "safari16.4"],
  legalComments: "none",
  charset: "utf8",
  loader: { ".css": "text" },
  logLevel: "warning",
};
const hash = (text) => createHash("sha256").update(text).digest("hex").slice(0, 10);

/** Style sheets imported by scripts are minified as CSS before they become text. */
const minifiedCss = {
  name: "minified-css",
  setup(on) {
    on.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { outputFiles } = await build({
        absWorkingDir: here,
        entryPoints: [path],
        minify: true,
        write: false,
        logLevel: "warning",
      });
      return { contents: outputFiles[0].text.trim(), loader: "text" };
    });
  },
};

/** lit notes its version under a global name; the widget sets none. */
const noGlobals = {
  name: "no-globals",
  setup(on) {
    on.onLoad({ filter: /lit-html[/\\]lit-html\.js$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      const contents = text.replace(
        /\(\w+\.litHtmlVersions\s*\?\?=\s*\[\]\)\.push\("[\d.]+"\)/,
        "0",
      );
      if (contents === text)
        throw new Error(
          `${path}: the line that sets litHtmlVersions was not found; ` +
            "look for how this version of lit names it",
        );
      return { contents, loader: "js" };
    });
  },
};

/**
 * marked makes an instance that nobody here uses, so that no bundler drops its class: only the
 * lexer, the parser and the renderer are kept.
 */
const onlyParsing = {
  name: "only-parsing",
  setup(on) {
    on.onLoad({ filter: /marked[/\\]lib[/\\]marked\.esm\.js$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      const contents = text
        .replace(
          /var (\w+)=new \w+;function \w+\(\w+,\w+\)\{return \1\.parse\(.*?(?=export\{)/s,
          "",
        )
        .replace(/export\{(.*)\};/, (all, names) => {
          const kept = names.split(",").filter((name) => /as (Lexer|Parser|Renderer)$/.test(name));
          return `export{${kept}};`;
        });
      if (!/;export\{(\w+ as \w+,){2}\w+ as \w+\};/.test(contents))
        throw new Error(
          `${path}: the instance that marked makes was not found; look for how this version ends`,
        );
      return { contents, loader: "js" };
    });
  },
};

/** One script: bundled by esbuild, then through terser, which takes another 4 % off. */
async function script(entry, format, define = {}) {
  const { outputFiles } = await build({
    ...shared,
    plugins: [minifiedCss, noGlobals, onlyParsing],
    entryPoints: [entry],
    format,
    define,
    outdir: "dist",
  });
  const { code } = await minify(outputFiles[0].text, {
    module: format === "esm",
    ecma: 2020,
    compress: { passes: 3 },
    format: { comments: false },
  });
  return `${code}\n`;
}

/** Every file of dist/ by name. Hashed names stand in assets/, the rest keeps its name. */
async function files() {
  const made = {};
  const hashed = (name, text) => {
    const file = `assets/${name.replace(/\.(\w+)$/, `-${hash(text)}.$1`)}`;
    made[file] = text;
    return file;
  };
  const languages = {};
  for (const file of readdirSync(join(here, "src/strings"))) {
    const language = basename(file, ".ts");
    if (language !== "en")
      languages[language] =
        // English is in the panel.
        `./${basename(hashed(`${language}.js`, await script(`src/strings/${file}`, "esm")))}`;
  }
  const panel = hashed(
    "panel.js",
    await script("src/panel.ts", "esm", { LANGUAGES: JSON.stringify(languages) }),
  );
  made["widget.js"] = await script("src/loader.ts", "iife", { PANEL: JSON.stringify(panel) });

  const style = await build({
    ...shared,
    loader: {},
    entryPoints: ["demo/demo.css"],
    outdir: "dist",
  });
  let page = readFileSync(join(here, "demo/demo.html"), "utf8");
  const assets = {
    "demo.js": await script("demo/demo.ts", "iife"),
    "demo.css": style.outputFiles[0].text,
  };
  for (const name of readdirSync(join(here, "demo")))
    if (name.endsWith(".svg")) assets[name] = readFileSync(join(here, "demo", name), "utf8");
  for (const [name, text] of Object.entries(assets))
    page = page.replaceAll(`/${name}"`, `/${hashed(name, text)}"`);
  made["demo.html"] = page;
  return made;
}

/** The pre-compressed neighbours of a file; the page is filled in by the server and has none. */
const packers = {
  gz: [(text) => gzipSync(text, { level: 9 }), gunzipSync],
  br: [
    (text) => brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
    brotliDecompressSync,
  ],
};
const packed = (name) =>
  name === "demo.html" ? [] : Object.keys(packers).map((kind) => [kind, `${name}.${kind}`]);

function onDisk(folder = dist, prefix = "") {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((one) =>
    one.isDirectory()
      ? onDisk(join(folder, one.name), `${prefix}${one.name}/`)
      : [prefix + one.name],
  );
}

const made = await files();
const expected = Object.keys(made).flatMap((name) => [
  name,
  ...packed(name).map(([, file]) => file),
]);
if (process.argv.includes("--check")) {
  const wrong = onDisk()
    .filter((name) => !expected.includes(name))
    .map((name) => `dist/${name}: no source gives it`);
  for (const [name, text] of Object.entries(made)) {
    const read = (file) =>
      existsSync(join(dist, file)) ? readFileSync(join(dist, file)) : undefined;
    if (read(name)?.toString("utf8") !== text)
      wrong.push(`dist/${name}: not what the sources give`);
    for (const [kind, file] of packed(name))
      if (!read(file) || packers[kind][1](read(file)).toString("utf8") !== text)
        wrong.push(`dist/${file}: not what the sources give`);
  }
  if (wrong.length) {
    console.error(`${wrong.join("\n")}\nRun \`make widget\` and commit widget/dist.`);
    process.exit(1);
  }
  console.log(`dist/ is what the sources give: ${expected.length} files.`);
} else {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(join(dist, "assets"), { recursive: true });
  for (const [name, text] of Object.entries(made)) {
    writeFileSync(join(dist, name), text);
    for (const [kind, file] of packed(name))
      writeFileSync(join(dist, file), packers[kind][0](text));
    console.log(
      `${name}: ${Buffer.byteLength(text)} bytes, ${gzipSync(text, { level: 9 }).length} gzip`,
    );
  }
}
