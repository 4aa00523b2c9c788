/**
 * Building an image from a Dockerfile, twice: the second time every step comes from the cache.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build, openContext, Store } from "stratafs";

const folder = fileURLToPath(new URL("app", import.meta.url));
const store = await Store.memory();
const context = await openContext(folder, store.core.files);
try {
  const dockerfile = await readFile(`${folder}/Dockerfile`);
  for (const attempt of ["first", "second"]) {
    const { image, events } = await build(dockerfile, {
      store,
      context: context.files,
      names: ["greetings:1"],
      buildArgs: { VERSION: "2" },
    });
    const cached = events.filter(({ kind }) => kind === "cached").length;
    console.log(`${attempt}: ${image.tags} of ${image.layers.length} layer, ${cached} steps cached`);
  }
  const image = await store.image("greetings:1");
  const mount = await image.mount();
  console.log(mount.fs.readFileSync("/usr/share/greetings/all.txt", "utf8").trim().split("\n").join(" "));
  console.log(image.config.config.Labels);
  mount.unmount();
} finally {
  context.close();
  await store.close();
}
