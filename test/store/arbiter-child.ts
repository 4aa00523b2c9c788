/**
 * A process of the tests of the arbiter: `hold PATH DIGEST…`, `stall PATH`, `count DIRECTORY`. Says so when
 * it has begun.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseDigest } from "../../src/oci/digest.ts";
import { newLease } from "../../src/store/leases.ts";
import { openLmdbArbiter } from "../../src/store/lmdb-arbiter.ts";

const [what, path = "", ...digests] = process.argv.slice(2);
const begun = () => writeFileSync(1, "begun\n");

if (what === "hold") {
  const lease = newLease(
    async () => openLmdbArbiter(path),
    () => {},
  );
  await lease.hold(...digests.map(parseDigest));
  begun();
  setInterval(() => {}, 1000);
} else if (what === "stall") {
  openLmdbArbiter(path).exclusively(() => {
    begun();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
} else {
  const arbiter = openLmdbArbiter(join(path, "arbiter.mdb"));
  const counter = join(path, "counter");
  for (let i = 0; i < 100; i++) {
    arbiter.exclusively(() => writeFileSync(counter, String(Number(readFileSync(counter, "utf8")) + 1)));
  }
  arbiter.close();
}
