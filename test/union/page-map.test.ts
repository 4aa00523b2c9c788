import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BufferContent, type Content, HoleContent, readAll } from "../../src/tree/content.ts";
import { PageMap } from "../../src/union/page-map.ts";
import { PAGE_SIZE } from "../../src/union/page-slots.ts";
import { newEpoch } from "../../src/union/table.ts";

/** Content that counts what is read of it. */
class CountingContent extends BufferContent {
  bytesRead = 0;

  override read(target: Uint8Array, offset: number, length: number, position: number): number {
    const count = super.read(target, offset, length, position);
    this.bytesRead += count;
    return count;
  }
}

function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => ((i * 31 + seed * 17) % 255) + 1);
}

/** Positions around page and branch edges, within a few hundred KiB. */
const position = fc.oneof(
  fc.nat(20_000),
  fc.constantFrom(
    PAGE_SIZE - 1,
    PAGE_SIZE,
    PAGE_SIZE * 2,
    PAGE_SIZE * 64 - 1,
    PAGE_SIZE * 64,
    PAGE_SIZE * 65 + 7,
  ),
);
const length = fc.oneof(
  fc.nat(300),
  fc.constantFrom(PAGE_SIZE, PAGE_SIZE - 1, PAGE_SIZE * 3 + 5, PAGE_SIZE * 66),
);

const command = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("write" as const),
      map: fc.nat(2),
      position,
      length,
      seed: fc.nat(50),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("truncate" as const), map: fc.nat(2), size: position }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("punch" as const), map: fc.nat(2), position, length }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("copy" as const), map: fc.nat(2) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("share" as const),
      map: fc.nat(2),
      from: fc.nat(2),
      position,
      to: position,
      length,
      aligned: fc.boolean(),
    }),
  },
);

type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

interface Pair {
  map: PageMap;
  model: Uint8Array;
  epoch: number;
}

function grown(model: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  out.set(model.subarray(0, size));
  return out;
}

function put(model: Uint8Array, bytes: Uint8Array, at: number): Uint8Array {
  const out = grown(model, Math.max(model.length, at + bytes.length));
  out.set(bytes, at);
  return out;
}

const UNLIMITED = Number.POSITIVE_INFINITY;

function run(pairs: Pair[], step: Command): void {
  const at = pairs[step.map % pairs.length]!;
  if (step.do === "write") {
    const bytes = pattern(step.length, step.seed);
    expect(at.map.write(bytes, 0, bytes.length, step.position, at.epoch, UNLIMITED)).toBe(bytes.length);
    if (bytes.length > 0) at.model = put(at.model, bytes, step.position);
  } else if (step.do === "truncate") {
    expect(at.map.truncate(step.size, at.epoch, UNLIMITED)).toBe(0);
    at.model = grown(at.model, step.size);
  } else if (step.do === "punch") {
    expect(at.map.punch(step.position, step.position + step.length, at.epoch, UNLIMITED)).toBe(0);
    at.model = at.model.slice();
    at.model.fill(0, step.position, step.position + step.length);
  } else if (step.do === "copy") {
    at.epoch = newEpoch();
    pairs.push({ map: at.map.copy(), model: at.model.slice(), epoch: newEpoch() });
  } else {
    const source = pairs[step.from % pairs.length]!;
    if (source === at) return;
    const from = step.aligned ? step.position - (step.position % PAGE_SIZE) : step.position;
    const to = step.aligned ? step.to - (step.to % PAGE_SIZE) : step.to;
    const count = Math.min(step.length, source.map.size - from);
    if (count <= 0) return;
    source.epoch = newEpoch();
    at.epoch = newEpoch();
    const copy = source.map.copy();
    expect(at.map.share(copy, from, to, count, at.epoch, UNLIMITED)).toBe(count);
    at.model = put(at.model, source.model.slice(from, from + count), to);
  }
}

/** Holes are zeros, data is not skipped, and both walks end. */
function checkHoles(map: Content, model: Uint8Array): void {
  for (let at = 0; at < model.length; ) {
    const data = map.nextData(at);
    expect(data).toBeGreaterThanOrEqual(at);
    expect(model.subarray(at, data).every((byte) => byte === 0)).toBe(true);
    if (data >= model.length) break;
    const hole = map.nextHole(data);
    expect(hole).toBeGreaterThan(data);
    at = hole;
  }
}

describe("a page map", () => {
  test("reads as plain bytes would, through writes, truncation, holes, copies and shared ranges", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), fc.nat(30_000), (commands, size) => {
        const lower = pattern(size, 99);
        const pairs: Pair[] = [
          { map: PageMap.over(new BufferContent(lower)), model: lower.slice(), epoch: newEpoch() },
        ];
        for (const step of commands) run(pairs, step);
        for (const { map, model } of pairs) {
          expect(map.size).toBe(model.length);
          expect(Buffer.compare(Buffer.from(readAll(map)), Buffer.from(model))).toBe(0);
          expect(map.equals(new BufferContent(model))).toBe(true);
          checkHoles(map, model);
        }
        // What lies below was never written.
        expect(lower).toEqual(pattern(size, 99));
      }),
      { numRuns: 120 },
    );
  });

  test("one byte written into a large file costs one page and no reading but of that page", () => {
    const content = new CountingContent(pattern(8 << 20, 1));
    const map = PageMap.over(content);
    map.write(Uint8Array.of(7), 0, 1, 5_000_000, newEpoch(), UNLIMITED);
    expect(map.pages).toBe(1);
    expect(content.bytesRead).toBe(PAGE_SIZE);
    content.bytesRead = 0;
    expect(map.equals(content)).toBe(false);
    expect(content.bytesRead).toBeLessThanOrEqual(PAGE_SIZE * 2);
  });

  test("sharing ten gigabytes and punching most of it again stores nothing", () => {
    const size = 10 * 2 ** 30;
    const source = PageMap.over(new HoleContent(size));
    const map = PageMap.empty();
    const epoch = newEpoch();
    expect(map.share(source, 0, 0, size, epoch, 0)).toBe(size);
    expect(map.punch(PAGE_SIZE, size - PAGE_SIZE, epoch, 0)).toBe(0);
    expect(map.pages).toBe(0);
    expect(map.size).toBe(size);
  });

  test("truncating inside a page and growing again shows zeros, not what was there", () => {
    const map = PageMap.over(new BufferContent(pattern(100, 3)));
    const epoch = newEpoch();
    map.truncate(10, epoch, UNLIMITED);
    map.truncate(100, epoch, UNLIMITED);
    expect(readAll(map)).toEqual(put(new Uint8Array(100), pattern(100, 3).slice(0, 10), 0));
  });

  test("a budget stops a write at the page that would exceed it and keeps what was written", () => {
    const map = PageMap.empty();
    const bytes = pattern(PAGE_SIZE * 3, 1);
    expect(map.write(bytes, 0, bytes.length, 0, newEpoch(), 2)).toBe(PAGE_SIZE * 2);
    expect(map.size).toBe(PAGE_SIZE * 2);
  });
});
