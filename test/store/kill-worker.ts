/**
 * A process of the kill test: works in a store under names of its own until it is killed, and says what it
 * begins and what is done. Whatever fails ends it, with words on standard error.
 *
 * Arguments: STORE NAME SEED REGISTRY LAYOUT…; an empty REGISTRY is none.
 */
import { writeSync } from "node:fs";
import { Store } from "../../src/runtime/store.ts";

const [root = "", name = "", seed = "", registry = "", ...layouts] = process.argv.slice(2);
let state = Number(seed);

function random(below: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

const say = (line: string) => writeSync(1, `${line}\n`);
const store = await Store.open(root, { env: {} });
const mine = new Set<string>();

async function readAll(image: string): Promise<void> {
  const mount = await (await store.image(image)).mount({ readOnly: true });
  for (const entry of mount.readdir("/")) mount.readFile(`/${entry.name}`);
  mount.unmount();
}

/** Says what begins, does it, and says what is there then: `+` there, `-` not. */
async function step(sign: "+" | "-", tag: string, work: () => Promise<unknown>): Promise<void> {
  say(`begin ${tag}`);
  await work();
  say(`${sign} ${tag}`);
  if (sign === "+") mine.add(tag);
  else mine.delete(tag);
}

for (let round = 0; ; round++) {
  const tag = `${name}:${random(4)}`;
  const have = [...mine];
  const one = have[random(have.length)];
  const what = random(7);
  if (what === 0) await step("+", tag, () => store.load(layouts[random(layouts.length)]!, { name: tag }));
  else if (what === 1 && registry !== "") {
    const pulled = `${registry}/${name}:${random(2)}`;
    await step("+", pulled, () => store.pull(pulled));
  } else if (what === 2) {
    await step("+", tag, async () => {
      const base = await store.image(one ?? "base:1");
      const mount = await base.mount();
      mount.writeFile(`/${name}-${round}`, `${Math.random()}`);
      await base.commit(mount, { name: tag });
      mount.unmount();
    });
  } else if (what === 3 && one !== undefined) await step("-", one, () => store.remove(one, { force: true }));
  else if (what === 4) {
    say("begin prune");
    await store.pruneImages();
    say("done prune");
  } else if (what === 5) await step("+", tag, async () => store.tag(await store.image(one ?? "base:1"), tag));
  else await readAll(one ?? "base:1");
}
