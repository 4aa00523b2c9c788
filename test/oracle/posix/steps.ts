/**
 * Random sequences of steps. Few names, so that calls meet; arguments that fit, and now and then one
 * that is strange. Left out: `mkdtemp`, whose names nobody can compare, what Node 20 has not, watchers
 * (timing), and link targets with `..`, which could lead out of the directory that is played in.
 */
import fc from "fast-check";
import type { Form } from "../../vfs/call.ts";
import { type Arg, SLOTS, type Step } from "./step.ts";

/** The most steps of one sequence. */
export const MOST_STEPS = 24;

const name = fc.constantFrom("a", "a", "b", "b", "c", "d", "ü x");
const suffix = fc.oneof(
  { weight: 24, arbitrary: fc.constant("") },
  { weight: 1, arbitrary: fc.constantFrom("/", "/.", "/..", "//", "/../a") },
);
/** What a sequence may begin with, so that calls meet more than emptiness: directories, and files with a mode. */
const FURNITURE = [
  ["b"],
  ["a", "some text\n", 0o644],
  ["b/a", "inner", 0o640],
  ["b/d"],
  ["c"],
  ["c/b"],
  ["c/b/a", "deep", 0o755],
] as const;
const bare = fc.oneof(
  fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/")),
  fc.constantFrom(...FURNITURE.map(([at]) => at), "b/b"),
);
const plainPath = fc.tuple(bare, suffix).map(([at, end]) => at + end);
const text = fc.oneof(
  { weight: 40, arbitrary: plainPath },
  {
    weight: 1,
    arbitrary: fc.constantFrom("n".repeat(255), "n".repeat(256), "p/".repeat(2100), "a\0b", "./a", ""),
  },
);
const as = fc.oneof(
  { weight: 12, arbitrary: fc.constant("string" as const) },
  { weight: 1, arbitrary: fc.constantFrom("buffer" as const, "url" as const) },
);
const path: fc.Arbitrary<Arg> = fc.record({ kind: fc.constant("path" as const), path: text, as });
/**
 * Names, perhaps with a slash after them: where a tree is removed or copied by way of itself, the order of
 * its entries decides.
 */
const treePath = fc
  .tuple(
    bare,
    fc.oneof(
      { weight: 12, arbitrary: fc.constant("") },
      { weight: 1, arbitrary: fc.constantFrom("/", "//") },
    ),
  )
  .map(([at, end]) => at + end);
const named: fc.Arbitrary<Arg> = treePath.map((text) => ({ kind: "path", path: text, as: "string" }));
const tree: fc.Arbitrary<Arg> = fc.record({ kind: fc.constant("path" as const), path: treePath, as });
const descriptor: fc.Arbitrary<Arg> = fc.record({
  kind: fc.constant("descriptor" as const),
  slot: fc.nat(SLOTS - 1),
});
const content = fc.constantFrom("", "x", "some text\n", "äöü €", "line\nline\r\nend", "y".repeat(5000));
const values = (...list: readonly unknown[]): fc.Arbitrary<Arg> =>
  fc.constantFrom(...list).map((value) => ({ kind: "value" as const, value }));
const value = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<Arg> =>
  arbitrary.map((given) => ({ kind: "value" as const, value: given }));
const data: fc.Arbitrary<Arg> = fc.oneof(
  value(content),
  content.map((bytes) => ({ kind: "bytes" as const, text: bytes })),
);
/**
 * Nothing that makes a file so long that reading it as text ends the process. No small number: where a path is asked for it would be a descriptor of this process. And not -1, for
 * which Node's `readFile` with a callback throws where nobody can catch it.
 */
const strange = values(
  undefined,
  null,
  1.5,
  Number.NaN,
  2 ** 53,
  "",
  "x\0",
  true,
  {},
  [],
  Number.POSITIVE_INFINITY,
);

const mode = values(undefined, 0o644, 0o600, 0o755, 0o700, "640", 0o444, 0o4755, 0o1777, 0);
const time: fc.Arbitrary<Arg> = fc.oneof(
  values(0, 1, 1_000_000_000, 1_234_567_890.123, "1500000000.5", 999_999_999.999_999),
  fc.integer({ min: 0, max: 1_600_000_000_000 }).map((ms) => ({ kind: "date" as const, ms })),
);
const length = values(undefined, 0, 1, 5, 100, 5000);
const position = values(null, 0, 1, 4, 100, -1, undefined);
const ids = values(-1, process.getuid!(), process.getgid!());
const encoding = values(undefined, "utf8", "latin1", "hex", "buffer", null);
const flags = values(
  "r",
  "r",
  "r+",
  "w",
  "wx",
  "w+",
  "wx+",
  "a",
  "a+",
  "ax",
  "rs+",
  0,
  0o101,
  0o2002,
  0o200000,
);
const bigint = values(undefined, { bigint: true }, { bigint: false });
const writeOptions = values(
  undefined,
  "latin1",
  { mode: 0o600 },
  { flag: "a" },
  { flag: "wx" },
  { flag: "r+", encoding: "utf16le" },
  { flush: true },
);
const space = fc.constantFrom(0, 1, 4, 16, 6000).map((size) => ({ kind: "space" as const, length: size }));
const linkTarget = fc.oneof(
  { weight: 8, arbitrary: name.map((target): Arg => ({ kind: "value", value: target })) },
  {
    weight: 2,
    arbitrary: fc.tuple(name, name).map(([a, b]): Arg => ({ kind: "value", value: `${a}/${b}` })),
  },
  { weight: 3, arbitrary: path },
);
const noEntry = values(
  undefined,
  { throwIfNoEntry: false },
  { bigint: true },
  { throwIfNoEntry: false, bigint: true },
);

type Args = readonly fc.Arbitrary<Arg>[];

/** Functions with their arguments; the number says how often, among the others. */
const FUNCTIONS: readonly (readonly [weight: number, name: string, args: Args])[] = [
  [2, "access", [path, values(undefined, 0, 1, 2, 4, 6, 7, 8)]],
  [3, "appendFile", [path, data, writeOptions]],
  [1, "appendFile", [descriptor, data]],
  [4, "chmod", [path, mode]],
  [1, "chown", [path, ids, ids]],
  [3, "close", [descriptor]],
  [4, "copyFile", [path, path, values(undefined, 0, 1, 2)]],
  [2, "exists", [path]],
  [1, "fchmod", [descriptor, mode]],
  [1, "fchown", [descriptor, ids, ids]],
  [1, "fdatasync", [descriptor]],
  [2, "fstat", [descriptor, bigint]],
  [1, "fsync", [descriptor]],
  [2, "ftruncate", [descriptor, length]],
  [1, "futimes", [descriptor, time, time]],
  [1, "lchown", [path, ids, ids]],
  [6, "link", [path, path]],
  [3, "lstat", [path, noEntry]],
  [2, "lutimes", [path, time, time]],
  [9, "mkdir", [path, mode]],
  [3, "mkdir", [path, values({ recursive: true }, { recursive: true, mode: 0o700 })]],
  [3, "read", [descriptor, space, values(0), length, position]],
  [3, "readdir", [path, values(undefined, { withFileTypes: true }, { recursive: true }, "buffer")]],
  [3, "readFile", [path, encoding]],
  [1, "readFile", [descriptor, encoding]],
  [1, "readv", [descriptor, values([]), position]],
  [2, "readlink", [path, encoding]],
  [2, "realpath", [path, encoding]],
  [9, "rename", [path, path]],
  [2, "rm", [path, values(undefined, { force: true })]],
  [2, "rm", [tree, values({ recursive: true }, { recursive: true, force: true })]],
  [3, "rmdir", [path]],
  [1, "rmdir", [tree, values({ recursive: true })]],
  [3, "stat", [path, noEntry]],
  [1, "statfs", [path]],
  [6, "symlink", [linkTarget, path]],
  [4, "truncate", [path, length]],
  [4, "unlink", [path]],
  [4, "utimes", [path, time, time]],
  [3, "write", [descriptor, data, position]],
  [1, "write", [descriptor, value(content), position, encoding]],
  [9, "writeFile", [path, data, writeOptions]],
  [1, "writeFile", [descriptor, data]],
];

const HANDLES: readonly (readonly [name: string, args: Args])[] = [
  ["appendFile", [data]],
  ["chmod", [mode]],
  ["chown", [ids, ids]],
  ["close", []],
  ["datasync", []],
  ["read", [space, values(0), length, position]],
  ["readFile", [encoding]],
  ["stat", [bigint]],
  ["sync", []],
  ["truncate", [length]],
  ["utimes", [time, time]],
  ["write", [data, position]],
  ["writeFile", [data]],
];

const streamOptions = values(
  {},
  { start: 2 },
  { start: 1, end: 3 },
  { highWaterMark: 3 },
  { end: 0 },
  { start: 3, end: 1 },
  { flags: "a+" },
);
const writing = values({}, { flags: "a" }, { flags: "r+", start: 2 }, { flags: "wx" }, { mode: 0o600 });
const pieces = value(fc.array(content, { maxLength: 4 }));
const cpOptions = values(
  {},
  { recursive: true },
  { recursive: true, force: false },
  { recursive: true, errorOnExist: true, force: false },
  { recursive: true, dereference: true },
  { recursive: true, preserveTimestamps: true },
  { recursive: true, verbatimSymlinks: true },
  { mode: 1 },
);
const form = fc.constantFrom<Form>("sync", "callback", "promise");

interface Arguments {
  readonly args: readonly Arg[];
  readonly odd?: true;
}

/** Arguments; rarely, one of them strange, or the last left out. */
function argumentsOf(args: Args): fc.Arbitrary<Arguments> {
  const fitting = fc.tuple(...args);
  if (args.length === 0) return fitting.map((given) => ({ args: given }));
  const odd = fc
    .tuple(fitting, fc.nat(args.length - 1), strange)
    .map(([given, at, instead]) => given.map((arg, index) => (index === at ? instead : arg)));
  const short = fitting.map((given) => given.slice(0, -1));
  const wrong = (given: readonly Arg[]): Arguments => ({ args: given, odd: true });
  return fc.oneof(
    { weight: 16, arbitrary: fitting.map((given) => ({ args: given })) },
    { weight: 1, arbitrary: odd.map(wrong) },
    { weight: 1, arbitrary: short.map(wrong) },
  );
}

const calls = FUNCTIONS.map(([weight, called, args]) => ({
  weight,
  arbitrary: fc
    .tuple(form, argumentsOf(args))
    .map(([as, given]): Step => ({ on: "fs", name: called, form: as, ...given })),
}));

const open = fc
  .tuple(form, argumentsOf([path, flags, mode]), fc.nat(SLOTS - 1))
  .map(([as, given, into]): Step => ({ on: "fs", name: "open", form: as, ...given, into }));

const handles = fc
  .constantFrom(...HANDLES)
  .chain(([called, args]) =>
    fc
      .tuple(fc.nat(SLOTS - 1), argumentsOf(args))
      .map(([slot, given]): Step => ({ on: "handle", slot, name: called, ...given })),
  );

function use(called: Extract<Step, { on: "use" }>["name"], ...args: Args): fc.Arbitrary<Step> {
  return fc.record({ on: fc.constant("use" as const), name: fc.constant(called), args: fc.tuple(...args) });
}

const step: fc.Arbitrary<Step> = fc.oneof(
  ...calls,
  { weight: 9, arbitrary: open },
  { weight: 12, arbitrary: handles },
  { weight: 3, arbitrary: use("readStream", path, streamOptions) },
  { weight: 3, arbitrary: use("writeStream", path, writing, pieces) },
  { weight: 2, arbitrary: use("entries", path) },
  { weight: 4, arbitrary: use("copyTree", values(true, false), named, named, cpOptions) },
  { weight: 2, arbitrary: use("writePieces", path, pieces, writeOptions) },
  { weight: 1, arbitrary: use("lines", path) },
);

const BARE = FURNITURE.map(
  ([at, text, mode]): Step => ({
    on: "fs",
    name: text === undefined ? "mkdir" : "writeFile",
    form: "sync",
    args: [
      { kind: "path", path: at, as: "string" },
      ...(text === undefined ? [] : [text, { mode }].map((value) => ({ kind: "value" as const, value }))),
    ],
  }),
);

/** One of the files has a second name. */
const FURNISHED: readonly Step[] = [
  ...BARE,
  {
    on: "fs",
    name: "link",
    form: "sync",
    args: ["a", "b/b"].map((at) => ({ kind: "path", path: at, as: "string" })),
  },
];

export const sequences: fc.Arbitrary<readonly Step[]> = fc
  .tuple(
    fc.constantFrom<readonly Step[]>([], FURNISHED, FURNISHED),
    fc.array(step, { minLength: 1, maxLength: MOST_STEPS, size: "max" }),
  )
  .map(([first, more]) => [...first, ...more]);
