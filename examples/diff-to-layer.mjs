/**
 * Writes what a container changed as a layer: a plain tar that any container tool takes.
 *
 *     node examples/diff-to-layer.mjs [OUTPUT.tar]
 */
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { Store, writeLayer } from "stratafs";

const output = process.argv[2] ?? join(tmpdir(), "changes.tar");
const directory = await mkdtemp(join(tmpdir(), "stratafs-"));
const store = await Store.open(directory);
try {
  const [image] = await store.load(fileURLToPath(new URL("../fixtures/greeter", import.meta.url)));
  const mount = await image.mount();
  mount.writeFile("/etc/motd", "Changed in a container.\n");
  mount.unlink("/usr/share/greetings/de.txt");
  mount.chmod("/usr/bin/greet", 0o700);
  // Opened for writing, copied up, and not changed: no part of the layer.
  mount.close(mount.open("/etc/passwd", 2));

  const layer = writeLayer(mount.changes());
  console.log("entries of the layer:");
  for (const { type, mode, uid, gid, name } of layer.entries()) {
    console.log(`  ${type.padEnd(9)} ${mode.toString(8).padStart(4, "0")} ${uid}:${gid} ${name}`);
  }
  await pipeline(layer.stream(), createWriteStream(output));
  console.log(`${output}: ${layer.archive.size} bytes, diffID ${layer.diffID}`);

  // The same changes give the same bytes, whenever they are written.
  const again = writeLayer(mount.changes());
  console.log(`written again: ${again.diffID === layer.diffID ? "the same digest" : "ANOTHER DIGEST"}`);
} finally {
  await store.close();
  await rm(directory, { recursive: true });
}
