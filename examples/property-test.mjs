/**
 * A rule of copy-on-write, tested with random calls (fast-check): whatever a program does to a fork, its
 * parent stays as it was; and the lower with the layer of the fork's changes on top is what the fork shows.
 *
 *     node examples/property-test.mjs [RUNS]
 */
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { applyLayer, createFs, createMount, Store, writeLayer } from "stratafs";

const RUNS = Number(process.argv[2] ?? 300);
const LAYOUT = fileURLToPath(new URL("../fixtures/greeter", import.meta.url));

/** Paths that are there, that are not, and that run into each other. */
const path = fc.constantFrom(
  ...["/etc", "/etc/motd", "/etc/passwd", "/usr/share", "/usr/share/greetings/en.txt", "/home/ada"],
  ...["/new", "/new/deep", "/usr/share/greetings/new", "/tmp/x"],
);
const mode = fc.constantFrom(0o600, 0o644, 0o755, 0o4755);
const text = fc.string({ maxLength: 40 });

/** One call each, as its name and arguments, so that a counterexample can be read. */
const call = fc.oneof(
  fc.tuple(fc.constant("writeFileSync"), path, text),
  fc.tuple(fc.constant("appendFileSync"), path, text),
  fc.tuple(fc.constant("truncateSync"), path, fc.nat(20)),
  fc.tuple(fc.constant("mkdirSync"), path),
  fc.tuple(fc.constant("chmodSync"), path, mode),
  fc.tuple(fc.constant("renameSync"), path, path),
  fc.tuple(fc.constant("linkSync"), path, path),
  fc.tuple(
    fc.constant("symlinkSync"),
    text.filter((target) => /^[^\0]+$/.test(target)),
    path,
  ),
  fc.tuple(fc.constant("rmSync"), path, fc.constant({ recursive: true })),
);

const store = await Store.memory();
const counts = { calls: 0, refused: 0, changes: 0, layers: 0 };
try {
  const [image] = await store.load(LAYOUT);
  const parent = await image.mount();
  parent.fs.appendFileSync("/etc/motd", "The parent has changes of its own.\n");
  const before = described(parent);

  const rule = fc.property(fc.array(call, { minLength: 1, maxLength: 25 }), (calls) => {
    const fork = parent.fork();
    const fs = createFs(fork);
    for (const [name, ...args] of calls) {
      counts.calls++;
      try {
        fs[name](...args);
      } catch (error) {
        // Linux refuses much of this too; a failed call changes nothing.
        if (error.errno === undefined) throw error;
        counts.refused++;
      }
    }
    if (described(parent) !== before) throw new Error("the parent has changed");

    const changes = fork.changes();
    counts.changes += [...changes].length;
    const layer = writeLayer(changes);
    counts.layers += layer === undefined ? 0 : 1;
    const tree = layer === undefined ? fork.tree : applyLayer(fork.tree, layer);
    if (described(createMount(tree)) !== described(fork))
      throw new Error("the layer is not what the fork shows");
  });
  fc.assert(rule, { numRuns: RUNS });
  console.log(`the rule held in ${RUNS} runs:`);
  console.log(`  ${counts.calls} calls, of which ${counts.refused} were refused as Linux refuses them`);
  console.log(`  ${counts.changes} changes in ${counts.layers} layers`);
} finally {
  await store.close();
}

/** Everything that a layer records of a mount but times: paths, kinds, modes, owners, contents, link groups. */
function described(mount) {
  const lines = [];
  const visit = (directory) => {
    const names = mount.readdir(directory || "/").map(({ name }) => name);
    for (const name of names.sort()) {
      const at = `${directory}/${name}`;
      const { mode, uid, gid, nlink } = mount.lstat(at);
      const type = mode & 0o170000;
      const content = type === 0o100000 ? mount.readFile(at) : type === 0o120000 ? mount.readlink(at) : "";
      const links = type === 0o040000 ? "" : nlink;
      lines.push(`${at} ${mode.toString(8)} ${uid}:${gid} ${links} ${content}`);
      if (type === 0o040000) visit(at);
    }
  };
  visit("");
  return lines.join("\n");
}
