/**
 * A process of its own that works in an upper until it is killed: `child.mjs FOLDER [hold]`. It prints
 * the number of each step once that is synced; with `hold` it opens the upper and waits.
 */
import { writeSync } from "node:fs";
import { diskUppers } from "../../../src/runtime/upper/disk.ts";
import { O_RDONLY } from "../../../src/union/types.ts";
import { runStep, STEP_OPTIONS, StepClock, stepsDone } from "./steps.ts";
import { smallTree } from "./trees.ts";

const [folder = "", hold] = process.argv.slice(2);
const clock = new StepClock();
const { mount } = diskUppers.open(folder, smallTree(), { ...STEP_OPTIONS, clock: clock.now });
if (hold !== undefined) {
  writeSync(1, "holding\n");
  setInterval(() => {}, 1000);
} else {
  for (let step = stepsDone(mount) + 1; ; step++) {
    runStep(mount, clock, step);
    const fd = mount.open("/step", O_RDONLY);
    mount.fsync(fd);
    mount.close(fd);
    writeSync(1, `${step}\n`);
  }
}
