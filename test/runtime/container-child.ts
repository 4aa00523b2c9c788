/**
 * A process of its own that works in a container until it is killed: `ROOT NAME [fs]`. It prints the number
 * of each step once that is synced; with `fs` it syncs through the node:fs face.
 */
import { writeSync } from "node:fs";
import { Store } from "../../src/runtime/store.ts";
import { O_RDONLY } from "../../src/union/types.ts";
import { runStep, StepClock, stepsDone } from "./upper/steps.ts";

const [root = "", name = "", face] = process.argv.slice(2);
const clock = new StepClock();
const store = await Store.open(root, { env: {} });
const container = await store.containers.get(name);
await container.open({ clock: clock.now });
await container.run(async ({ mount, fs }) => {
  for (let step = stepsDone(mount) + 1; ; step++) {
    runStep(mount, clock, step);
    if (face === "fs") {
      const handle = await fs.promises.open("/step");
      await handle.sync();
      await handle.close();
    } else {
      const fd = mount.open("/step", O_RDONLY);
      mount.fsync(fd);
      mount.close(fd);
    }
    writeSync(1, `${step}\n`);
  }
});
