/**
 * Uppers on disk whose files are damaged: they show a commit point, or say that they are damaged.
 *
 * Two things are not seen. Bytes of files in segments have no checksums, as on most filesystems, so their
 * content may be other than it was. And lmdb, which reads its file through a mapping, may die of a page
 * that leads out of it; that is why a process of its own looks.
 */
import { type ChildProcess, fork } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { diskUppers } from "../../../src/runtime/upper/disk.ts";
import { runStep, STEP_OPTIONS, StepClock } from "../../runtime/upper/steps.ts";
import { smallTree } from "../../runtime/upper/trees.ts";
import { Fault, type Target } from "../target.ts";
import { type Answer, readUpper } from "../upper-reader.ts";

const STEPS = 25;
/** Longer than any reading takes; it only guards against one that never ends. */
const PATIENCE = 30_000;

/** One edit takes this many bytes of a case: which file, where, and what is changed there. */
const EDIT = 6;

type Shown = readonly (readonly [string, string])[];

interface Made {
  readonly folder: string;
  /** The upper that is copied and damaged. */
  readonly at: string;
  /** What it shows at its commit points. */
  readonly points: readonly Shown[];
}

let made: Made | undefined;
let child: ChildProcess | undefined;

function make(): Made {
  const folder = mkdtempSync(join(tmpdir(), "fuzz-upper-"));
  const at = join(folder, "sound");
  diskUppers.create(at, smallTree());
  const points: Shown[] = [];
  const show = () => {
    const answer = readUpper(at);
    if (!("shows" in answer)) throw new Error("a sound upper cannot be read");
    points.push(answer.shows);
  };
  show();
  const clock = new StepClock();
  const upper = diskUppers.open(at, smallTree(), { ...STEP_OPTIONS, clock: clock.now });
  for (let step = 1; step <= STEPS; step++) {
    runStep(upper.mount, clock, step);
    upper.commit();
    show();
  }
  upper.close();
  return { folder, at, points };
}

/** Copies the upper with edits; tells whether content in segments was changed. */
function damage(
  { folder, at }: Made,
  bytes: Uint8Array,
): { readonly copy: string; readonly content: boolean } {
  const copy = join(folder, "damaged");
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy);
  const names = readdirSync(at)
    .filter((name) => !name.includes("-lock"))
    .sort();
  for (const name of names) copyFileSync(join(at, name), join(copy, name));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let content = false;
  for (let i = 0; i + EDIT <= bytes.length; i += EDIT) {
    const name = names[bytes[i]! % names.length]!;
    const path = join(copy, name);
    const file = readFileSync(path);
    if (file.length === 0) continue;
    const position = view.getUint32(i + 1) % file.length;
    const change = bytes[i + 5]!;
    if (change === 0) {
      writeFileSync(path, file.subarray(0, position));
    } else {
      file[position]! ^= change;
      writeFileSync(path, file);
      if (name.endsWith(".segment")) content = true;
    }
  }
  return { copy, content };
}

/** What is shown but for the bytes of files. */
function withoutContent(shown: Shown): string {
  return JSON.stringify(shown.map(([path, line]) => [path, line.replace(/:[0-9a-f]{16} \{/, " {")]));
}

/** Asks the reader; undefined where that was the end of it. */
function ask(at: string): Promise<Answer | undefined> {
  const program = process.env.STRATAFS_FUZZ_PROGRAM;
  if (program === undefined) throw new Error("uppers are fuzzed by `npm run fuzz`");
  child ??= fork(program, ["read-uppers"], { stdio: ["ignore", "ignore", "ignore", "ipc"] });
  const reader = child;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => end(() => reject(new Fault("reading never ends"))), PATIENCE);
    const end = (settle: () => void) => {
      clearTimeout(timer);
      reader.removeAllListeners();
      settle();
    };
    reader.once("message", (answer: Answer) => end(() => resolve(answer)));
    reader.once("exit", () => {
      child = undefined;
      end(() => resolve(undefined));
    });
    reader.send(at);
  });
}

async function feedUpper(bytes: Uint8Array): Promise<void> {
  made ??= make();
  const { copy, content } = damage(made, bytes);
  const answer = await ask(copy);
  // What lmdb died of is not this engine's to answer, and nothing was answered.
  if (answer === undefined || "refused" in answer) return;
  if ("fault" in answer) throw new Fault(answer.fault);
  const text = content ? withoutContent : (shown: Shown) => JSON.stringify(shown);
  const shown = text(answer.shows);
  if (!made.points.some((point) => text(point) === shown)) throw new Fault("it shows what it never was");
}

const edits = fc
  .array(
    fc.tuple(
      fc.nat(255),
      fc.oneof(fc.nat(2 ** 32 - 1), fc.nat(16_384)),
      fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom(1, 2, 4, 8, 16, 32, 64, 128, 255) },
        { weight: 1, arbitrary: fc.constant(0) },
      ),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((list) => {
    const bytes = Buffer.alloc(list.length * EDIT);
    for (const [i, [file, position, change]] of list.entries()) {
      bytes[i * EDIT] = file;
      bytes.writeUInt32BE(position, i * EDIT + 1);
      bytes[i * EDIT + 5] = change;
    }
    return new Uint8Array(bytes);
  });

export const upper: Target = {
  name: "upper",
  what: "the files of an upper on disk, damaged",
  share: 0.05,
  cases: edits,
  feed: feedUpper,
  end() {
    child?.kill();
    child = undefined;
    if (made !== undefined) rmSync(made.folder, { recursive: true, force: true });
    made = undefined;
  },
};
