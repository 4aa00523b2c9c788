/**
 * gzip and zstd streams: members and frames one after the other, flags, skippable frames, windows and
 * sizes that nobody has, bombs, damage. What comes out does not depend on how the bytes arrive, and what
 * gzip gives is what zlib gives.
 */
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { decompress } from "../../../src/tar/decompress.ts";
import { STORED_ARCHIVES } from "../archives.ts";
import { mutated, sometimesMutated } from "../mutations.ts";
import { attemptLater, Fault, type Outcome, same, sameOutcome, type Target } from "../target.ts";

/** A bomb is not read to its end: what matters is that it is read piece by piece. */
const ENOUGH = 2 ** 20;
/** No piece of a stream is larger, whatever its frame says of itself. */
const LARGEST_PIECE = 2 ** 20;

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

const payload: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.constantFrom(new Uint8Array(0), new Uint8Array(100_000), new Uint8Array(2 ** 21)),
);

/** The optional fields of a gzip header (RFC 1952, section 2.3). */
const FEXTRA = 4;
const FNAME = 8;
const FCOMMENT = 16;

const gzipMember: fc.Arbitrary<Uint8Array> = fc
  .tuple(payload, fc.constantFrom(0, 0, FNAME, FEXTRA | FNAME, FCOMMENT, 0xe0), fc.constantFrom(0, 1, 9))
  .map(([content, flags, level]) => {
    const plain = new Uint8Array(gzipSync(content, { level }));
    if (flags === 0) return plain;
    const head = plain.slice(0, 10);
    head[3] = flags;
    const optional = [
      (flags & FEXTRA) !== 0 ? bytes(3, 0, 1, 2, 3) : bytes(),
      (flags & FNAME) !== 0 ? bytes(0x61, 0) : bytes(),
      (flags & FCOMMENT) !== 0 ? bytes(0x62, 0) : bytes(),
    ];
    return join([head, ...optional, plain.slice(10)]);
  });

const gzipStream = fc
  .tuple(
    fc.array(gzipMember, { minLength: 1, maxLength: 3 }),
    fc.constantFrom(
      bytes(),
      bytes(),
      bytes(),
      bytes(0),
      bytes(0, 0, 0),
      bytes(0x1f),
      bytes(0x1f, 0x8b),
      bytes(1, 2, 3),
    ),
  )
  .map(([members, tail]) => join([...members, tail]));

function little(value: bigint, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

const MAGIC = bytes(0x28, 0xb5, 0x2f, 0xfd);
const RAW = 0;
const RLE = 1;
const COMPRESSED = 2;
const RESERVED = 3;

/** A block (RFC 8878, section 3.1.1.2). */
const zstdBlock = fc
  .record({
    last: fc.boolean(),
    type: fc.constantFrom(RAW, RAW, RLE, RLE, COMPRESSED, RESERVED),
    size: fc.option(fc.constantFrom(0, 1, 131_072, 131_073, 2 ** 21 - 1), { nil: undefined, freq: 3 }),
    content: fc.uint8Array({ maxLength: 40 }),
  })
  .map(({ last, type, size, content }) => {
    const stored = type === RLE ? content.slice(0, 1) : content;
    const header = (last ? 1 : 0) | (type << 1) | ((size ?? stored.length) << 3);
    return join([little(BigInt(header), 3), stored]);
  });

/** A frame: any descriptor, window and size, and blocks. */
const zstdFrame: fc.Arbitrary<Uint8Array> = fc
  .record({
    descriptor: fc.oneof(fc.constantFrom(0x00, 0x04, 0x20, 0x24, 0x60, 0xa4, 0xe4), fc.nat(255)),
    window: fc.oneof(fc.constantFrom(0x00, 0x50, 0x88, 0xa0, 0xff), fc.nat(255)),
    dictionary: fc.constantFrom(0n, 1n, 0xffffffffn),
    size: fc.oneof(fc.constantFrom(0n, 1n, 255n, 2n ** 27n, 2n ** 62n, 2n ** 64n - 1n), fc.bigInt(0n, 300n)),
    blocks: fc.array(zstdBlock, { minLength: 1, maxLength: 4 }),
    checksum: fc.constantFrom(bytes(), bytes(0, 0, 0, 0)),
  })
  .map(({ descriptor, window, dictionary, size, blocks, checksum }) => {
    const single = (descriptor & 0x20) !== 0;
    const dictionaryLength = [0, 1, 2, 4][descriptor & 3]!;
    const sizeLength = [single ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
    return join([
      MAGIC,
      bytes(descriptor),
      single ? bytes() : bytes(window),
      little(dictionary, dictionaryLength),
      little(size, sizeLength),
      ...blocks,
      checksum,
    ]);
  });

const skippable: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    fc.nat(15),
    fc.constantFrom<bigint | undefined>(undefined, undefined, 0n, 5n, 2n ** 31n, 2n ** 32n - 1n),
    fc.uint8Array({ maxLength: 20 }),
  )
  .map(([kind, size, content]) =>
    join([bytes(0x50 | kind, 0x2a, 0x4d, 0x18), little(size ?? BigInt(content.length), 4), content]),
  );

const realZstd = fc.constantFrom(
  ...STORED_ARCHIVES.filter((stored) => stored[0] === 0x28 || (stored[0]! & 0xf0) === 0x50),
);
const realGzip = fc.constantFrom(...STORED_ARCHIVES.filter((stored) => stored[0] === 0x1f));

const zstdStream = fc
  .array(
    fc.oneof(
      { weight: 2, arbitrary: zstdFrame },
      { weight: 1, arbitrary: skippable },
      { weight: 2, arbitrary: realZstd },
    ),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  .map(join);

/** Pieces of a size, or larger ones where there would be thousands. */
async function* inPieces(given: Uint8Array, least: number): AsyncGenerator<Uint8Array> {
  const size = Math.max(least, given.length >> 11);
  for (let at = 0; at < given.length; at += size) yield given.slice(at, at + size);
}

interface Plain {
  readonly compression: string;
  readonly bytes: Uint8Array;
  /** Whether there is more than was read. */
  readonly cut: boolean;
}

async function plainOf(given: Uint8Array, pieces: number): Promise<Plain> {
  const { compression, stream } = await decompress(inPieces(given, pieces));
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    if (chunk.length > LARGEST_PIECE) throw new Fault(`a piece of ${chunk.length} bytes`);
    chunks.push(chunk.slice());
    length += chunk.length;
    if (length > ENOUGH) return { compression, bytes: join(chunks).slice(0, ENOUGH), cut: true };
  }
  return { compression, bytes: join(chunks), cut: false };
}

export const compression: Target = {
  name: "compression",
  what: "gzip members and zstd frames, also such as no compressor writes",
  share: 0.3,
  cases: fc.oneof(
    { weight: 3, arbitrary: sometimesMutated(gzipStream) },
    { weight: 3, arbitrary: sometimesMutated(zstdStream) },
    { weight: 2, arbitrary: mutated(realZstd) },
    { weight: 1, arbitrary: mutated(realGzip) },
  ),
  async feed(given) {
    const whole = await attemptLater(() => plainOf(given, given.length || 1));
    const pieces = await attemptLater(() => plainOf(given, 1 + (given.length % 61)));
    const isCut = (outcome: Outcome<Plain>) => "value" in outcome && outcome.value.cut;
    // An error behind what was read shows or not, as it happens.
    if (isCut(whole) === isCut(pieces)) sameOutcome("plain bytes, whatever the pieces", whole, pieces);
    if ("error" in whole || whole.value.compression !== "gzip" || whole.value.cut) return;
    same("what zlib gives", new Uint8Array(gunzipSync(given)), whole.value.bytes);
  },
};
