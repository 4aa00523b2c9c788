/**
 * An agent's session: try something in a copy of a container, look at what it did to the files, then keep
 * it or throw it away. The commands run in the simulated shell: no daemon, no root, no kernel.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Store } from "stratafs";

const LAYOUT = fileURLToPath(new URL("../fixtures/greeter", import.meta.url));

/** What the agent comes up with, and what it may do. */
const attempts = [
  "echo 'Szia!' >> /usr/share/greetings/hu.txt && rm -r /usr/share/doc /etc/passwd",
  "grep -q Hallo /usr/share/greetings/de.txt && echo 'never reached' > /tmp/x; cat /no/such/file",
  "cd /usr/share/greetings && sort -o en.txt en.txt && echo 'Salut!' > fr.txt && wc -l *.txt",
];
const allowed = (path) => `${path}/`.startsWith("/usr/share/greetings/");

const directory = await mkdtemp(join(tmpdir(), "stratafs-"));
const store = await Store.open(directory);
try {
  const [image] = await store.load(LAYOUT, { name: "greeter:1.0" });
  const container = await store.containers.create(image, { name: "workspace" });
  await container.snapshot("start");

  for (const [i, line] of attempts.entries()) {
    console.log(`\n== attempt ${i + 1}, in a fork: ${line}`);
    // A fork shares everything until one of the two writes.
    const trial = await container.fork({ name: `attempt-${i + 1}` });
    const status = await trial.exec(["sh", "-c", line], { stdout: show, stderr: show });
    const changes = await trial.changes();
    for (const { kind, path } of changes) console.log(`  ${kind.padEnd(9)} ${path}`);

    const outside = changes.filter(({ path }) => !allowed(path));
    if (status !== 0) console.log(`rolled back: exit status ${status}`);
    else if (outside.length > 0) console.log(`rolled back: ${outside[0].path} is none of its business`);
    else {
      const next = await trial.commit({ name: "greeter:2.0", message: line });
      console.log(`committed: ${next.tags[0]}, ${next.layers.length} layers`);
    }
    await trial.remove();
  }

  console.log("\n== or in place, with a snapshot to go back to");
  const removed = await container.exec(({ fs }) => {
    fs.rmSync("/usr/share", { recursive: true });
    return !fs.existsSync("/usr/share/greetings/en.txt");
  });
  console.log(`removed: ${removed}, changes: ${(await container.changes()).length}`);
  await container.restore("start");
  console.log(`restored, changes: ${(await container.changes()).length}`);
} finally {
  await store.close();
  await rm(directory, { recursive: true });
}

function show(bytes) {
  process.stdout.write(new TextDecoder().decode(bytes).replace(/^(?=.)/gm, "  | "));
}
