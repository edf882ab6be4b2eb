// Gives back what the widget makes of texts: `node shape.mjs` with [[text, is it an answer], ...]
// on its standard input.
import { readFileSync } from "node:fs";
import { build } from "../../widget/node_modules/esbuild/lib/main.js";

const { outputFiles } = await build({
  entryPoints: [new URL("../../widget/src/markdown.ts", import.meta.url).pathname],
  bundle: true,
  format: "esm",
  write: false,
});
const code = Buffer.from(outputFiles[0].text).toString("base64");
const { shape } = await import(`data:text/javascript;base64,${code}`);
const texts = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(texts.map(([text, answer]) => shape(text, answer))));
