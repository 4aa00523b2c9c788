/**
 * What stratafs is for, on an image that ships with it: load → run changes → diff → commit → history.
 * No daemon, no root, no kernel mount. `npm start` runs it.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Store } from "stratafs";

const LAYOUT = fileURLToPath(new URL("../fixtures/greeter", import.meta.url));

function title(text) {
  console.log(`\n== ${text}`);
}

/** A store is a directory: an OCI image layout that other tools read in place. This one goes at the end. */
const directory = await mkdtemp(join(tmpdir(), "stratafs-"));
const store = await Store.open(directory);
try {
  title("load: an OCI layout into the store");
  const [image] = await store.load(LAYOUT, { name: "greeter:1.0" });
  console.log(
    `${image.tags[0]}  ${image.id.slice(7, 19)}  ${image.layers.length} layers, ${await image.size()} bytes`,
  );

  title("mount: its layers below, an empty writable layer on top");
  const mount = await image.mount();
  console.log("/etc/motd:", text(mount.readFile("/etc/motd")));
  console.log("/usr/share/greetings:", list(mount, "/usr/share/greetings"));
  const { events, winner } = mount.whence("/etc/motd");
  const layers = events.map(({ layer, kind }) => `layer ${layer} ${kind}`);
  console.log(`where /etc/motd comes from: ${layers.join(", ")}; layer ${winner} wins`);

  title("change it, as a program in a container would");
  mount.writeFile("/etc/motd", "Changed in a container.\n");
  mount.appendFile("/usr/share/greetings/en.txt", "How do you do?\n");
  mount.mkdir("/srv");
  mount.mkdir("/srv/greetings");
  mount.rename("/usr/share/greetings/hu.txt", "/srv/greetings/hu.txt");
  mount.rename("/usr/share/doc", "/usr/share/documents");
  mount.unlink("/usr/share/greetings/de.txt");
  mount.symlink("../../srv/greetings", "/usr/share/more-greetings");
  mount.as({ uid: 1000, gid: 1000 }).writeFile("/home/ada/letter.txt", "Dear all,\n");
  refused("as ada, write /etc/passwd", () =>
    mount.as({ uid: 1000, gid: 1000 }).writeFile("/etc/passwd", "ada:x:0:0::/:/bin/sh\n"),
  );
  console.log("/usr/share/greetings:", list(mount, "/usr/share/greetings"));
  console.log(
    "default.txt, another name of en.txt:",
    text(mount.readFile("/usr/share/greetings/default.txt")),
  );

  title("diff: what the container changed, and nothing else");
  const letters = { added: "A", modified: "C", deleted: "D" };
  for (const { kind, path } of mount.changes()) console.log(`${letters[kind]} ${path}`);

  title("commit: the changes as a standard layer, on top of the image's own");
  const next = await image.commit(mount, {
    name: "greeter:2.0",
    message: "changed by the example",
    createdBy: "node examples/main-job.mjs",
  });
  const layer = next.manifest.layers.at(-1);
  console.log(`${next.tags[0]}  ${next.id.slice(7, 19)}  ${next.layers.length} layers`);
  console.log(`new layer ${layer.digest.slice(0, 19)}… of ${layer.size} bytes, ${layer.mediaType}`);

  title("history: how the image came to be, newest step first");
  for (const { entry, size } of (await next.history()).toReversed()) {
    console.log(`${entry.created}  ${String(size).padStart(5)} B  ${entry.created_by}  (${entry.comment})`);
  }

  const again = await next.mount();
  console.log(`\ngreeter:2.0, mounted anew, says: ${text(again.readFile("/etc/motd"))}`);
} finally {
  await store.close();
  await rm(directory, { recursive: true });
}

function text(bytes) {
  return JSON.stringify(new TextDecoder().decode(bytes));
}

function list(mount, path) {
  return mount
    .readdir(path)
    .map(({ name }) => name)
    .join(" ");
}

function refused(what, call) {
  try {
    call();
  } catch (error) {
    console.log(`${what}: ${error.message}`);
    return;
  }
  throw new Error(`${what}: should have been refused`);
}
