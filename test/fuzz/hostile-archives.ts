/**
 * Archives of 64 MiB that are made to fill memory: as much as can be of what a reader has to keep. They
 * are streams, so that whoever makes them holds nothing.
 */
import { gzipSync } from "node:zlib";
import { concat, END, GNU, gnuLong, header, member, pax, record } from "../tar/hand.ts";

export const HOSTILE_SIZE = 64 * 2 ** 20;

/** Bytes again and again, up to the size, and the end of an archive. `part` is told how often it was called. */
async function* repeated(part: (i: number) => Uint8Array): AsyncGenerator<Uint8Array> {
  let size = END.length;
  for (let i = 0; ; i++) {
    const bytes = part(i);
    size += bytes.length;
    if (size > HOSTILE_SIZE) break;
    yield bytes;
  }
  yield END;
}

const name = (i: number) => `in/${(i % 1000).toString(36)}/${i.toString(36)}`;

function xattrs(count: number, valueLength: number, i: number): Uint8Array {
  const value = `${i}`.padEnd(valueLength, "v");
  return pax(Array.from({ length: count }, (_, n) => record(`SCHILY.xattr.user.${i}.${n}`, value)).join(""));
}

/** A map of as many extents as an extended header holds. */
function sparseMap(extents: number): Uint8Array {
  const map = Array.from({ length: extents }, (_, n) => `${n * 2},1`).join(",");
  return pax({
    "GNU.sparse.numblocks": String(extents),
    "GNU.sparse.map": map,
    "GNU.sparse.size": String(extents * 2),
    "GNU.sparse.name": "sparse",
  });
}

async function* zipped(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const part of parts) yield new Uint8Array(gzipSync(part, { level: 1 }));
}

export const HOSTILE: Readonly<Record<string, () => AsyncIterable<Uint8Array>>> = {
  "entries without content": () => repeated((i) => header({ name: name(i) })),
  "directories, each in the one before": () =>
    repeated((i) => header({ name: `${"d/".repeat(1 + (i % 40))}${i.toString(36)}`, type: "5" })),
  "names of 64 KiB": () =>
    repeated((i) => concat(gnuLong("L", `${i}`.padEnd(65_000, "n/")), header({ magic: GNU }))),
  "hardlinks to one file": () =>
    repeated((i) => header(i === 0 ? { name: "f" } : { name: name(i), type: "1", link: "f" })),
  "small attributes": () => repeated((i) => concat(xattrs(8, 8, i), header({ name: name(i) }))),
  "attributes of 1 MiB": () => repeated((i) => concat(xattrs(15, 65_000, i), header({ name: name(i) }))),
  "symlinks to long targets": () =>
    repeated((i) =>
      concat(gnuLong("K", `${i}`.padEnd(4_000, "t")), header({ name: name(i), type: "2", magic: GNU })),
    ),
  "sparse maps of 1 MiB": () =>
    repeated((i) => concat(sparseMap(80_000), member({ name: name(i) }, "x".repeat(80_000)))),
  "members of gzip, one an entry": () => zipped(repeated((i) => header({ name: name(i) }))),
};
