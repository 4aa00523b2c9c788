/**
 * Measures what a lookup costs by the number of layers under it: a path that the bottom layer put there
 * and no other touched. One tree is made of all layers, so the numbers should not grow.
 *
 *     node examples/lookup-depth.mjs
 */
import { applyLayer, applyLayers, createMount, writeLayer } from "stratafs";

const DEPTHS = [1, 2, 4, 8, 16, 32, 64, 128];
const PATH = "/usr/share/doc/bottom/file-50";
const ROUNDS = 10_000;

function makeDirectories(mount, path) {
  const parts = path.split("/").slice(1);
  for (let i = 1; i <= parts.length; i++) {
    const directory = `/${parts.slice(0, i).join("/")}`;
    if (!mount.exists(directory)) mount.mkdir(directory);
  }
}

/** A mount of the first 1, 2, … layers: each layer is what was changed in a mount of those below. */
const mounts = [];
let tree = applyLayers([]);
for (let i = 0; i < DEPTHS.at(-1); i++) {
  const directory = i === 0 ? "/usr/share/doc/bottom" : `/usr/share/doc/layer-${i}`;
  const mount = createMount(tree);
  makeDirectories(mount, directory);
  for (let file = 0; file < 100; file++) mount.writeFile(`${directory}/file-${file}`, `layer ${i}\n`);
  tree = applyLayer(tree, writeLayer(mount.changes()));
  if (DEPTHS.includes(i + 1)) mounts.push(createMount(tree));
}

/** Nanoseconds of one call, the best of five series: what disturbs a series only makes it longer. */
function measure(call) {
  let best = Number.POSITIVE_INFINITY;
  for (let series = 0; series < 5; series++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < ROUNDS; i++) call();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / ROUNDS);
  }
  return best;
}

// Once for nothing, so that the first is not measured while the code is still being compiled.
for (const mount of mounts) measure(() => mount.exists(PATH));

console.log(`lookup of ${PATH}, put there by the lowest layer\n`);
console.log("layers   found ns   missing ns   compared with one layer");
let one;
for (const [i, depth] of DEPTHS.entries()) {
  const mount = mounts[i];
  if (!mount.exists(PATH)) throw new Error(`${PATH} is lost at ${depth} layers`);
  const found = measure(() => mount.exists(PATH));
  const missing = measure(() => mount.exists(`${PATH}-missing`));
  one ??= found;
  const columns = [String(depth).padStart(6), found.toFixed(0).padStart(8), missing.toFixed(0).padStart(10)];
  console.log(`${columns.join("   ")}   ${(found / one).toFixed(2)}`);
}
