/**
 * A process that builds a directory in a store, says so, and ends.
 *
 * Arguments: STORE CONTEXT NAME [TIMES]; the name is the image's, and the build argument NAME.
 */
import { readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { build } from "../../src/build/build.ts";
import { directoryContext } from "../../src/build/context/directory.ts";
import { Store } from "../../src/runtime/store.ts";

const [root = "", directory = "", name = "", times = "1"] = process.argv.slice(2);
const store = await Store.open(root, { env: { SOURCE_DATE_EPOCH: "1700000000" } });
for (let round = 0; round < Number(times); round++) {
  const context = directoryContext(directory);
  const dockerfile = readFileSync(join(directory, "Dockerfile"));
  await build(dockerfile, {
    store,
    context,
    names: [name],
    buildArgs: { NAME: name, ROUND: String(round) },
    onEvent: (event) => {
      if (event.kind === "start" || event.kind === "cached")
        writeSync(2, `${event.kind} ${event.vertex.name}\n`);
    },
  });
  context.close();
}
await store.close();
