/**
 * Simulated container writes: three programs, each in a container of its own of one image, with `node:fs` as
 * programs know it. What is opened, set back or read is no change; the image never changes; and a write
 * costs what it writes, not what it writes into.
 */
import { fileURLToPath } from "node:url";
import { applyLayer, createFs, createMount, EMPTY_TREE, Store, writeLayer } from "stratafs";

const LAYOUT = fileURLToPath(new URL("../fixtures/greeter", import.meta.url));

const programs = {
  async "a daemon, as root: a log through a stream, a pid file that is gone when it ends"({ fs }) {
    const log = fs.createWriteStream("/var/log/greeter.log", { flags: "a", mode: 0o640 });
    log.write("started\n");
    fs.writeFileSync("/var/run-greeter.pid", "42\n");
    fs.unlinkSync("/var/run-greeter.pid");
    await new Promise((resolve) => log.end("stopped\n", resolve));
  },
  "an editor, as ada: a new file beside the old one, then in its place"(mount) {
    const fs = createFs(mount.as({ uid: 1000, gid: 1000 }));
    const path = "/home/ada/diary.txt";
    fs.writeFileSync(`${path}~`, `${fs.readFileSync(path, "utf8")}Wrote a container today.\n`);
    fs.renameSync(`${path}~`, path);
    try {
      fs.writeFileSync("/etc/passwd", "ada:x:0:0:Ada:/root:/bin/sh\n");
    } catch ({ message }) {
      console.log(`refused   ${message}`);
    }
  },
  "a program that leaves all as it was: reads, opens for writing, changes a mode and sets it back"({ fs }) {
    fs.readFileSync("/etc/passwd");
    fs.closeSync(fs.openSync("/etc/passwd", "r+"));
    const { mode } = fs.statSync("/usr/bin/greet");
    fs.chmodSync("/usr/bin/greet", 0o700);
    fs.chmodSync("/usr/bin/greet", mode);
  },
};

const store = await Store.memory();
try {
  const [image] = await store.load(LAYOUT, { name: "greeter:1.0" });
  for (const [name, program] of Object.entries(programs)) {
    console.log(`\n== ${name}`);
    const mount = await image.mount();
    await program(mount);
    const changes = [...mount.changes()];
    for (const { kind, path } of changes) console.log(`${kind.padEnd(9)} ${path}`);
    if (changes.length === 0) console.log("no change");
  }

  console.log("\n== the image, mounted anew");
  const untouched = await image.mount();
  console.log(`${[...untouched.changes()].length} changes, /var/log: ${list(untouched, "/var/log")}`);

  console.log("\n== one byte into a file of 64 MiB of a layer");
  const packed = createMount(EMPTY_TREE);
  packed.writeFile("/large", new Uint8Array(64 * 2 ** 20).fill(1));
  const mount = createMount(applyLayer(EMPTY_TREE, writeLayer(packed.changes())), {
    limits: { bytes: 2 ** 20 },
  });
  const start = process.hrtime.bigint();
  const fs = createFs(mount);
  const fd = fs.openSync("/large", "r+");
  fs.writeSync(fd, Uint8Array.of(2), 0, 1, 2 ** 25);
  fs.closeSync(fd);
  const took = Number(process.hrtime.bigint() - start) / 1e6;
  console.log(
    `took ${took.toFixed(2)} ms, in an upper that may hold 1 MiB: one page was copied up, not the file`,
  );
} finally {
  await store.close();
}

function list(mount, path) {
  return mount.fs.readdirSync(path).join(" ");
}
