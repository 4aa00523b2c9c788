/**
 * XXH64 with seed 0: the checksum of zstd frames (RFC 8878, section 3.1.1, "Content_Checksum"; xxHash
 * specification).
 *
 * The four lanes are kept as 32-bit halves: a bigint a round is ten times slower, slower than the
 * decompression that is checked. Only the few steps at the end are done in bigints.
 */

const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;

const P1_LOW = 0x85ebca87 | 0;
const P1_HIGH = 0x9e3779b1 | 0;
const P2_LOW = 0x27d4eb4f | 0;
const P2_HIGH = 0xc2b2ae3d | 0;

/** Bytes of one round of all lanes. */
const STRIPE = 32;

const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);
const rotate = (value: bigint, count: bigint): bigint => wrap(value << count) | (value >> (64n - count));

/** The upper half of the product of two unsigned 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const first = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const second = (Math.imul(aLow, bHigh) + (first & 0xffff)) | 0;
  return (Math.imul(aHigh, bHigh) + (first >>> 16) + (second >>> 16)) | 0;
}

/** One round of the lane at `at` (low half, high half): add input × P2, rotate by 31, multiply by P1. */
function mix(lanes: Int32Array, at: number, inputLow: number, inputHigh: number): void {
  const productLow = Math.imul(inputLow, P2_LOW);
  const productHigh =
    (multiplyHigh(inputLow, P2_LOW) + Math.imul(inputLow, P2_HIGH) + Math.imul(inputHigh, P2_LOW)) | 0;
  const low = (lanes[at]! + productLow) | 0;
  const carry = low >>> 0 < productLow >>> 0 ? 1 : 0;
  const high = (lanes[at + 1]! + productHigh + carry) | 0;
  const rotatedLow = (low << 31) | (high >>> 1);
  const rotatedHigh = (high << 31) | (low >>> 1);
  lanes[at] = Math.imul(rotatedLow, P1_LOW);
  lanes[at + 1] =
    (multiplyHigh(rotatedLow, P1_LOW) + Math.imul(rotatedLow, P1_HIGH) + Math.imul(rotatedHigh, P1_LOW)) | 0;
}

function mixOnce(value: bigint): bigint {
  return wrap(rotate(wrap(value * P2), 31n) * P1);
}

/** A running XXH64. */
export class Xxh64 {
  readonly #lanes = new Int32Array(8);
  readonly #rest = new Uint8Array(STRIPE);
  readonly #restView = new DataView(this.#rest.buffer);
  #restLength = 0;
  #length = 0;

  constructor() {
    [wrap(P1 + P2), P2, 0n, wrap(-P1)].forEach((lane, i) => {
      this.#lanes[2 * i] = Number(lane & 0xffffffffn);
      this.#lanes[2 * i + 1] = Number(lane >> 32n);
    });
  }

  update(bytes: Uint8Array): void {
    this.#length += bytes.length;
    let at = 0;
    if (this.#restLength > 0) {
      at = Math.min(STRIPE - this.#restLength, bytes.length);
      this.#rest.set(bytes.subarray(0, at), this.#restLength);
      this.#restLength += at;
      if (this.#restLength < STRIPE) return;
      this.#stripes(this.#restView, 0, STRIPE);
    }
    const end = at + Math.floor((bytes.length - at) / STRIPE) * STRIPE;
    this.#stripes(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), at, end);
    this.#rest.set(bytes.subarray(end));
    this.#restLength = bytes.length - end;
  }

  #stripes(view: DataView, start: number, end: number): void {
    const lanes = this.#lanes;
    for (let at = start; at < end; at += STRIPE) {
      mix(lanes, 0, view.getInt32(at, true), view.getInt32(at + 4, true));
      mix(lanes, 2, view.getInt32(at + 8, true), view.getInt32(at + 12, true));
      mix(lanes, 4, view.getInt32(at + 16, true), view.getInt32(at + 20, true));
      mix(lanes, 6, view.getInt32(at + 24, true), view.getInt32(at + 28, true));
    }
  }

  /** The hash of everything given so far. */
  digest(): bigint {
    let hash = wrap(this.#start() + BigInt(this.#length));
    const view = this.#restView;
    let at = 0;
    for (; at + 8 <= this.#restLength; at += 8) {
      hash = wrap(rotate(hash ^ mixOnce(view.getBigUint64(at, true)), 27n) * P1 + P4);
    }
    if (at + 4 <= this.#restLength) {
      hash = wrap(rotate(hash ^ wrap(BigInt(view.getUint32(at, true)) * P1), 23n) * P2 + P3);
      at += 4;
    }
    for (; at < this.#restLength; at++) {
      hash = wrap(rotate(hash ^ wrap(BigInt(this.#rest[at]!) * P5), 11n) * P1);
    }
    hash = wrap((hash ^ (hash >> 33n)) * P2);
    hash = wrap((hash ^ (hash >> 29n)) * P3);
    return hash ^ (hash >> 32n);
  }

  /** What the lanes come together to; short inputs never entered them. */
  #start(): bigint {
    if (this.#length < STRIPE) return P5;
    const lane = (i: number): bigint =>
      (BigInt(this.#lanes[2 * i + 1]! >>> 0) << 32n) | BigInt(this.#lanes[2 * i]! >>> 0);
    const lanes = [lane(0), lane(1), lane(2), lane(3)] as const;
    let hash = wrap(
      rotate(lanes[0], 1n) + rotate(lanes[1], 7n) + rotate(lanes[2], 12n) + rotate(lanes[3], 18n),
    );
    for (const each of lanes) hash = wrap((hash ^ mixOnce(each)) * P1 + P4);
    return hash;
  }
}
