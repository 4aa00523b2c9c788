/**
 * Every function of `node:fs`, with what it is tested by.
 *
 * `called` lists calls that are made on a mount and on a temporary directory, in each form that the
 * function has (synchronous, callback, promise), and compared: result, error, and the tree afterwards.
 * `elsewhere` names the test file of what a single call cannot show. `node-fs.test.ts` fails when the
 * running Node has a function that neither names.
 */
import { constants } from "node:fs";
import { pathToFileURL } from "node:url";
import type { Ground } from "./ground.ts";

export interface Called {
  /** Each makes the arguments of one call. */
  readonly calls: readonly ((ground: Ground) => unknown[])[];
  /** Takes what is random out of a result. */
  readonly shape?: (value: unknown) => unknown;
  /** Makes a result whose order is nobody's promise comparable. */
  readonly sorted?: boolean;
}

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW } = constants;
const { F_OK, R_OK, W_OK, X_OK, COPYFILE_EXCL, COPYFILE_FICLONE } = constants;

const bytes = (text: string) => Buffer.from(text, "latin1");
const url = (path: string) => pathToFileURL(path);
const WRONG_PATHS: readonly ((ground: Ground) => unknown)[] = [
  () => undefined,
  () => null,
  () => 5,
  () => ({}),
  () => "a\0b",
  () => "",
  () => new URL("http://host/f"),
  (t) => t.at("nope"),
  (t) => t.at("nope/inner"),
  (t) => t.at("f/inner"),
  (t) => t.at("loop"),
  (t) => t.at("loop/inner"),
  (t) => t.at("dangling"),
  (t) => t.at("f/"),
  (t) => t.at("n".repeat(256)),
  (t) => t.at("p/".repeat(2100)),
];
const WRONG_FDS = [undefined, "3", -1, 1.5, 2 ** 31, 99_999, Number.NaN, null];

/** A call for each wrong path, with the same arguments after it. */
function wrongPaths(...rest: unknown[]) {
  return WRONG_PATHS.map((path) => (t: Ground) => [path(t), ...rest]);
}

/** The same where a number is a descriptor, which this process may have. */
function wrongFiles(...rest: unknown[]) {
  return wrongPaths(...rest).filter((_, at) => at !== 2);
}

/** A call for each wrong path, with a name that is free after it. */
function wrongSources() {
  return WRONG_PATHS.map((path) => (t: Ground) => [path(t), t.at("new")]);
}

function wrongDescriptors(...rest: unknown[]) {
  return WRONG_FDS.map((fd) => () => [fd, ...rest]);
}

const PLACES = ["f", "d", "l", "ld", "hard", "x", "absolute", "d/e/g", "d/", "ü ñ", "d/../f", "./d/./e//"];

/** A call for each kind of thing in the tree. */
function places(...rest: unknown[]) {
  return PLACES.map((name) => (t: Ground) => [t.at(name), ...rest]);
}

/** A file that no buffer holds: one byte more than Node reads at once. */
function hugeFile({ fs, at }: Ground): string {
  fs.truncateSync(at("empty"), 2 ** 31);
  return at("empty");
}

const STAT: Called = {
  calls: [
    ...wrongPaths(),
    ...places(),
    (t) => [bytes(t.at("f"))],
    (t) => [url(t.at("ü ñ"))],
    (t) => [t.at("f"), { bigint: true }],
    (t) => [t.at("f"), { bigint: false }],
    (t) => [t.at("nope"), { throwIfNoEntry: false }],
    (t) => [t.at("nope"), { throwIfNoEntry: true }],
    (t) => [t.at("f/x"), { throwIfNoEntry: false }],
    (t) => [t.at("loop"), { throwIfNoEntry: false }],
  ],
};

const UTIMES: Called = {
  calls: [
    ...wrongPaths(1, 2),
    ...places(1_000_000_001, 1_000_000_002.5),
    (t) => [t.at("f"), new Date(1_234_567_890_123), new Date(987_654_321_987)],
    (t) => [t.at("f"), "1234567890.25", "5"],
    (t) => [t.at("f"), 0, 0.123456789],
    (t) => [t.at("f"), "x", 5],
    (t) => [t.at("f"), 5, null],
    (t) => [t.at("f"), Number.NaN, 5],
    (t) => [t.at("f"), 5, Number.POSITIVE_INFINITY],
    (t) => [t.at("f"), new Date(-5000), new Date(-1500)],
  ],
};

const CHOWN: Called = {
  calls: [
    ...wrongPaths(process.getuid!(), process.getgid!()),
    ...places(process.getuid!(), process.getgid!()),
    (t) => [t.at("f"), -1, -1],
    (t) => [t.at("f"), -2, 0],
    (t) => [t.at("f"), 0, 2 ** 32],
    (t) => [t.at("f"), "0", 0],
    (t) => [t.at("f"), 0],
    (t) => [t.at("f"), 1.5, 0],
  ],
};

const WRITE_FILE: Called = {
  calls: [
    ...wrongFiles("data"),
    ...places("data"),
    (t) => [t.at("new"), "äöü €"],
    (t) => [t.at("new"), "äöü", "latin1"],
    (t) => [t.at("new"), "00ff10", { encoding: "hex" }],
    (t) => [t.at("new"), "aGk=", "base64"],
    (t) => [t.at("new"), "x", "utf16le"],
    (t) => [t.at("new"), "x", "nonsense"],
    (t) => [t.at("new"), "x", { mode: 0o600 }],
    (t) => [t.at("new"), "x", { mode: "0640" }],
    (t) => [t.at("new"), "x", { mode: undefined }],
    (t) => [t.at("new"), "x", { flag: undefined }],
    (t) => [t.at("new"), "x", { flag: "wx" }],
    (t) => [t.at("f"), "x", { flag: "wx" }],
    (t) => [t.at("f"), "x", { flag: "a" }],
    (t) => [t.at("f"), "x", { flag: "r+" }],
    (t) => [t.at("f"), "x", { flag: "r" }],
    (t) => [t.at("f"), "x", { flag: "zz" }],
    (t) => [t.at("f"), "x", { flag: O_WRONLY | O_APPEND }],
    (t) => [t.at("f"), "x", { flush: true }],
    (t) => [t.at("f"), "x", { flush: "yes" }],
    (t) => [t.at("f"), "x", 5],
    (t) => [t.at("f"), "x", null],
    (t) => [t.at("new"), bytes("\x00\x80\xff")],
    (t) => [t.at("new"), new Uint16Array([1, 2, 3])],
    (t) => [t.at("new"), new DataView(new ArrayBuffer(3))],
    (t) => [t.at("new"), new Uint8Array([1, 2, 3, 4]).subarray(1, 3)],
    (t) => [t.at("new"), ""],
    (t) => [t.at("new"), 5],
    (t) => [t.at("new"), null],
    (t) => [t.at("new"), {}],
    (t) => [t.at("new"), undefined],
    (t) => [t.at("nope/new"), "x"],
    (t) => [bytes(t.at("new")), "x"],
    (t) => [url(t.at("new")), "x"],
    (t) => [t.fd("f", "r+"), "HEY"],
    (t) => [t.fd("f", "a"), "more"],
    (t) => [t.fd("f"), "no"],
    () => [99_999, "x"],
  ],
};

const TRUNCATE_LENGTHS = [undefined, 0, 3, 100, -1, 1.5, "3", null];

export const called: { readonly [name: string]: Called } = {
  access: {
    calls: [
      ...wrongPaths(),
      ...places(),
      ...[F_OK, R_OK, W_OK, X_OK, R_OK | W_OK, 8, -1, "4", 1.5].map((mode) => (t: Ground) => [
        t.at("f"),
        mode,
      ]),
      (t) => [t.at("x"), X_OK],
      (t) => [t.at("d"), X_OK | W_OK],
    ],
  },
  appendFile: WRITE_FILE,
  chmod: {
    calls: [
      ...wrongPaths(0o644),
      ...places(0o700),
      ...[0, 0o7777, "755", "0o755", "888", 1.5, -1, 2 ** 32, null, undefined].map((mode) => (t: Ground) => [
        t.at("f"),
        mode,
      ]),
    ],
  },
  chown: CHOWN,
  close: { calls: [...wrongDescriptors(), (t) => [t.fd("f")]] },
  copyFile: {
    calls: [
      ...wrongSources(),
      ...WRONG_PATHS.filter((_, at) => at !== 12).map((path) => (t: Ground) => [t.at("f"), path(t)]),
      (t) => [t.at("f"), t.at("new")],
      (t) => [t.at("x"), t.at("new")],
      (t) => [t.at("f"), t.at("x")],
      (t) => [t.at("empty"), t.at("f")],
      (t) => [t.at("f"), t.at("f")],
      (t) => [t.at("f"), t.at("hard")],
      (t) => [t.at("f"), t.at("l")],
      (t) => [t.at("l"), t.at("new")],
      (t) => [t.at("x"), t.at("l")],
      (t) => [t.at("f"), t.at("dangling")],
      (t) => [t.at("f"), t.at("d")],
      (t) => [t.at("f"), t.at("nope/new")],
      (t) => [t.at("f"), t.at("x"), COPYFILE_EXCL],
      (t) => [t.at("f"), t.at("new"), COPYFILE_EXCL],
      (t) => [t.at("f"), t.at("dangling"), COPYFILE_EXCL],
      (t) => [t.at("f"), t.at("new"), COPYFILE_FICLONE],
      (t) => [t.at("f"), t.at("new"), 8],
      (t) => [t.at("f"), t.at("new"), "1"],
    ],
  },
  cp: {
    calls: [
      ...wrongSources(),
      (t) => [t.at("f"), t.at("new")],
      (t) => [t.at("f"), t.at("x")],
      (t) => [t.at("f"), t.at("void/a/b")],
      (t) => [t.at("f"), t.at("f")],
      (t) => [t.at("f"), t.at("hard")],
      (t) => [t.at("f"), t.at("d")],
      (t) => [t.at("f"), t.at("f/inner")],
      (t) => [t.at("d"), t.at("new")],
      (t) => [t.at("d"), t.at("new"), { recursive: true }],
      (t) => [t.at("d"), t.at("void"), { recursive: true }],
      (t) => [t.at("d"), t.at("f"), { recursive: true }],
      (t) => [t.at("d"), t.at("d/e/new"), { recursive: true }],
      (t) => [t.at("d"), t.at("ld/new"), { recursive: true }],
      (t) => [t.at("ld"), t.at("new"), { recursive: true }],
      (t) => [t.at("ld"), t.at("new"), { recursive: true, dereference: true }],
      (t) => [t.at("l"), t.at("new")],
      (t) => [t.at("l"), t.at("new"), { verbatimSymlinks: true }],
      (t) => [t.at("l"), t.at("new"), { dereference: true }],
      (t) => [t.at("l"), t.at("new"), { dereference: true, verbatimSymlinks: true }],
      (t) => [t.at("l"), t.at("dangling")],
      (t) => [t.at("l"), t.at("x")],
      (t) => [t.at("f"), t.at("x"), { force: false }],
      (t) => [t.at("f"), t.at("x"), { force: false, errorOnExist: true }],
      (t) => [t.at("f"), t.at("x"), { preserveTimestamps: true }],
      (t) => [t.at("d"), t.at("new"), { recursive: true, preserveTimestamps: true }],
      (t) => [t.at("f"), t.at("new"), { mode: COPYFILE_EXCL }],
      (t) => [t.at("f"), t.at("new"), { mode: 9 }],
      (t) => [t.at("f"), t.at("new"), { recursive: "yes" }],
      (t) => [t.at("f"), t.at("new"), 5],
      (t) => [t.at("f"), t.at("new"), { filter: 5 }],
      (t) => [t.at("f"), t.at("new"), { filter: () => false }],
      (t) => [t.at("d"), t.at("new"), { recursive: true, filter: (path: string) => !path.endsWith("/f") }],
    ],
  },
  exists: { calls: [...wrongPaths(), ...places()] },
  fchmod: { calls: [...wrongDescriptors(0o644), (t) => [t.fd("f"), 0o600], (t) => [t.fd("f"), "zz"]] },
  fchown: {
    calls: [...wrongDescriptors(0, 0), (t) => [t.fd("f"), -1, -1], (t) => [t.fd("f"), "a", 0]],
  },
  fdatasync: { calls: [...wrongDescriptors(), (t) => [t.fd("f")]] },
  fstat: {
    calls: [
      ...wrongDescriptors(),
      (t) => [t.fd("f")],
      (t) => [t.fd("d")],
      (t) => [t.fd("f"), { bigint: true }],
    ],
  },
  fsync: { calls: [...wrongDescriptors(), (t) => [t.fd("f")], (t) => [t.fd("d")]] },
  ftruncate: {
    calls: [
      ...wrongDescriptors(),
      ...TRUNCATE_LENGTHS.map((length) => (t: Ground) => [t.fd("f", "r+"), length]),
      (t) => [t.fd("f"), 0],
    ],
  },
  futimes: {
    calls: [
      ...wrongDescriptors(1, 2),
      (t) => [t.fd("f"), 1_000_000_001, 1_000_000_002],
      (t) => [t.fd("f"), "a", 2],
    ],
  },
  lchown: CHOWN,
  link: {
    calls: [
      ...wrongSources(),
      ...WRONG_PATHS.map((path) => (t: Ground) => [t.at("f"), path(t)]),
      (t) => [t.at("f"), t.at("new")],
      (t) => [t.at("l"), t.at("new")],
      (t) => [t.at("d"), t.at("new")],
      (t) => [t.at("f"), t.at("x")],
      (t) => [t.at("f"), t.at("f")],
      (t) => [t.at("f"), t.at("new/")],
    ],
  },
  lstat: STAT,
  lutimes: UTIMES,
  mkdir: {
    calls: [
      ...wrongPaths(),
      ...places(),
      ...wrongPaths({ recursive: true }).filter((_, at) => at !== 13),
      ...places({ recursive: true }),
      (t) => [t.at("new")],
      (t) => [t.at("new/")],
      (t) => [t.at("new"), 0o700],
      (t) => [t.at("new"), "700"],
      (t) => [t.at("new"), "999"],
      (t) => [t.at("new"), { mode: 0o1777 }],
      (t) => [t.at("new"), { mode: undefined }],
      (t) => [t.at("new"), { mode: "x" }],
      (t) => [t.at("new"), { recursive: "yes" }],
      (t) => [t.at("new/a/b"), { recursive: true }],
      (t) => [t.at("d/a/b"), { recursive: true, mode: 0o700 }],
      (t) => [t.at("ld/a/b"), { recursive: true }],
      (t) => [t.at("f/a/b"), { recursive: true }],
      (t) => [t.at("dangling/a"), { recursive: true }],
      (t) => [bytes(t.at("new/a")), { recursive: true }],
    ],
  },
  mkdtemp: {
    calls: [
      ...wrongPaths().slice(0, 5),
      (t) => [t.at("tmp-")],
      (t) => [t.at("tmp-"), "utf8"],
      (t) => [t.at("tmp-"), "nonsense"],
      (t) => [t.at("nope/tmp-")],
      (t) => [t.at("f/tmp-")],
      (t) => [bytes(t.at("tmp-"))],
    ],
    shape: (value) => (typeof value === "string" ? value.replace(/(tmp-)\w{6}/, "$1XXXXXX") : value),
  },
  open: {
    calls: [
      ...wrongPaths(),
      ...places(),
      ...["r", "rs", "r+", "rs+", "w", "wx", "xw", "w+", "wx+", "a", "ax", "as", "a+", "ax+", "as+"].flatMap(
        (flag) => [
          (t: Ground) => [t.at("f"), flag],
          (t: Ground) => [t.at("new"), flag],
          (t: Ground) => [t.at("d"), flag],
        ],
      ),
      ...["", "zz", "rw", {}, true, 1.5, null, undefined].map((flag) => (t: Ground) => [t.at("f"), flag]),
      (t) => [t.at("f"), O_RDONLY | O_DIRECTORY],
      (t) => [t.at("d"), O_RDONLY | O_DIRECTORY],
      (t) => [t.at("l"), O_RDONLY | O_NOFOLLOW],
      (t) => [t.at("dangling"), O_WRONLY | O_CREAT],
      (t) => [t.at("dangling"), O_WRONLY | O_CREAT | O_EXCL],
      (t) => [t.at("f"), O_WRONLY | O_TRUNC],
      (t) => [t.at("new"), "w", 0o600],
      (t) => [t.at("new"), "w", "644"],
      (t) => [t.at("new"), "w", "9"],
    ],
    shape: (value) => (typeof value === "number" ? "a descriptor" : value),
  },
  opendir: {
    calls: [
      ...wrongPaths(),
      (t) => [t.at("d")],
      (t) => [t.at("ld")],
      (t) => [t.at("f")],
      (t) => [t.at("d"), { bufferSize: 1 }],
      (t) => [t.at("d"), { encoding: "nonsense" }],
    ],
  },
  readdir: {
    calls: [
      ...wrongPaths(),
      ...places(),
      ...places({ withFileTypes: true }),
      (t) => [t.root],
      (t) => [t.root, { withFileTypes: true }],
      (t) => [t.root, "buffer"],
      (t) => [t.root, ""],
      (t) => [t.root, "latin1"],
      (t) => [t.root, "hex"],
      (t) => [t.root, { encoding: "base64" }],
      (t) => [t.root, { encoding: "buffer", withFileTypes: true }],
      (t) => [t.root, "nonsense"],
      (t) => [t.root, 5],
      (t) => [t.root, null],
      (t) => [t.root, { recursive: true }],
      (t) => [t.root, { recursive: true, withFileTypes: true }],
      (t) => [t.at("d"), { recursive: true }],
      (t) => [t.at("d/"), { recursive: true, withFileTypes: true }],
      (t) => [bytes(t.at("d"))],
      (t) => [url(t.at("d")), { withFileTypes: true }],
    ],
    sorted: true,
  },
  readFile: {
    calls: [
      ...wrongFiles(),
      ...places(),
      ...places("utf8"),
      (t) => [t.at("ü ñ"), "latin1"],
      (t) => [t.at("f"), { encoding: "base64" }],
      (t) => [t.at("f"), { encoding: "buffer" }],
      (t) => [t.at("empty"), "buffer"],
      (t) => [t.at("d"), "buffer"],
      (t) => [t.at("nope"), "buffer"],
      (t) => [hugeFile(t)],
      (t) => [hugeFile(t), "latin1"],
      (t) => [t.at("new"), { flag: "w+", encoding: "buffer" }],
      (t) => [t.fd("empty"), { encoding: "buffer" }],
      (t) => [t.at("f"), { encoding: null }],
      (t) => [t.at("f"), "nonsense"],
      (t) => [t.at("f"), 5],
      (t) => [t.at("f"), null],
      (t) => [t.at("new"), { flag: "w+" }],
      (t) => [t.at("new"), { flag: "a+", encoding: "utf8" }],
      (t) => [t.at("f"), { flag: "w" }],
      (t) => [t.at("f"), { flag: "zz" }],
      (t) => [t.at("f"), { flag: undefined }],
      (t) => [t.fd("f")],
      (t) => [t.fd("f"), "utf8"],
      (t) => [t.fd("d")],
      (t) => [t.fd("f", "a")],
      () => [99_999],
      () => [99_999, "utf8"],
    ],
  },
  readlink: {
    calls: [
      ...wrongPaths(),
      ...places(),
      (t) => [t.at("l"), "buffer"],
      (t) => [t.at("l"), { encoding: "" }],
      (t) => [t.at("l"), { encoding: "hex" }],
      (t) => [t.at("l"), "nonsense"],
      (t) => [t.at("dangling")],
      (t) => [t.at("loop")],
    ],
  },
  realpath: {
    calls: [
      ...wrongPaths().filter((_, at) => at !== 5),
      ...places(),
      (t) => [t.at("absolute/g")],
      (t) => [t.at("ld/e/../f")],
      (t) => [t.at("absolute/..")],
      (t) => [t.at("ld"), "buffer"],
      (t) => [t.at("ld"), ""],
      (t) => [t.at("ld"), { encoding: "hex" }],
      (t) => [t.at("ld"), "nonsense"],
    ],
  },
  rename: {
    calls: [
      ...wrongSources(),
      ...WRONG_PATHS.map((path) => (t: Ground) => [t.at("f"), path(t)]),
      (t) => [t.at("f"), t.at("new")],
      (t) => [t.at("f"), t.at("x")],
      (t) => [t.at("f"), t.at("hard")],
      (t) => [t.at("f"), t.at("d")],
      (t) => [t.at("d"), t.at("f")],
      (t) => [t.at("d"), t.at("void")],
      (t) => [t.at("void"), t.at("d")],
      (t) => [t.at("d"), t.at("d/e/new")],
      (t) => [t.at("d/e"), t.at("d")],
      (t) => [t.at("d"), t.at("new/")],
      (t) => [t.at("f"), t.at("new/")],
      (t) => [t.at("l"), t.at("new")],
      (t) => [t.at("d/."), t.at("new")],
      (t) => [t.at("d"), t.at("..")],
    ],
  },
  rm: {
    calls: [
      ...wrongPaths(),
      ...wrongPaths({ force: true }),
      ...wrongPaths({ recursive: true }),
      ...wrongPaths({ recursive: true, force: true }),
      ...places().slice(0, 8),
      ...places({ recursive: true }).slice(0, 8),
      ...["f/", "l/", "ld/", "dangling/", "loop/", "d/"].flatMap((name) =>
        [{ force: true }, { recursive: true }, { recursive: true, force: true }].map(
          (options) => (t: Ground) => [`${t.root}/${name}`, options],
        ),
      ),
      (t) => [t.at("d"), { force: true }],
      (t) => [t.at("f"), { recursive: "yes" }],
      (t) => [t.at("f"), { maxRetries: -1 }],
      (t) => [t.at("f"), { retryDelay: "x" }],
      (t) => [t.at("f"), 5],
    ],
  },
  rmdir: {
    calls: [
      ...wrongPaths(),
      ...places(),
      (t) => [t.at("void")],
      (t) => [t.at("void/")],
      (t) => [t.at("void/.")],
      (t) => [t.at("void"), { recursive: "yes" }],
      (t) => [t.at("d"), { recursive: true }],
      (t) => [t.at("f"), { recursive: true }],
      (t) => [t.at("nope"), { recursive: true }],
    ],
  },
  stat: STAT,
  statfs: {
    calls: [...wrongPaths(), ...places(), (t) => [t.at("f"), { bigint: true }]],
  },
  symlink: {
    calls: [
      ...wrongSources().slice(0, 5),
      ...WRONG_PATHS.map((path) => (t: Ground) => ["target", path(t)]),
      (t) => ["target", t.at("new")],
      (t) => ["ü/../x", t.at("new")],
      (t) => [bytes("bytes"), t.at("new")],
      (t) => ["target", t.at("f")],
      (t) => ["target", t.at("new/")],
      (t) => ["target", t.at("new"), "dir"],
      (t) => ["target", t.at("new"), "nonsense"],
      (t) => ["target", t.at("new"), 5],
      (t) => ["t".repeat(4096), t.at("new")],
    ],
  },
  truncate: {
    calls: [
      ...wrongFiles(),
      ...places(),
      ...TRUNCATE_LENGTHS.map((length) => (t: Ground) => [t.at("f"), length]),
      (t) => [t.at("f"), 2 ** 53],
    ],
  },
  unlink: { calls: [...wrongPaths(), ...places(), (t) => [t.at("dangling")]] },
  utimes: UTIMES,
  writeFile: WRITE_FILE,

  read: {
    calls: [
      ...wrongDescriptors(Buffer.alloc(3)),
      (t) => [t.fd("f"), Buffer.alloc(5)],
      (t) => [t.fd("f"), Buffer.alloc(5), 1, 3, 2],
      (t) => [t.fd("f"), Buffer.alloc(5), 1, 3, 2n],
      (t) => [t.fd("f"), Buffer.alloc(50), 0, 50, null],
      (t) => [t.fd("f"), Buffer.alloc(5), { position: 3 }],
      (t) => [t.fd("f"), Buffer.alloc(5), { offset: 2, length: 2 }],
      (t) => [t.fd("f"), Buffer.alloc(5), { offset: 2, length: 2 }, undefined, null],
      (t) => [t.fd("f"), new Uint16Array(3), 0, 6, 0],
      (t) => [t.fd("f"), new DataView(new ArrayBuffer(4))],
      (t) => [t.fd("f"), Buffer.alloc(5), 0, 0, 0],
      (t) => [t.fd("f"), Buffer.alloc(5), 0, 9, 0],
      (t) => [t.fd("f"), Buffer.alloc(5), 9, 1, 0],
      (t) => [t.fd("f"), Buffer.alloc(5), -1, 1, 0],
      (t) => [t.fd("f"), Buffer.alloc(5), 0, -1, 0],
      (t) => [t.fd("f"), Buffer.alloc(5), 1.5, 1, 0],
      (t) => [t.fd("f"), Buffer.alloc(5), 0, 5, 100],
      (t) => [t.fd("f"), Buffer.alloc(5), 0, 5, -1],
      (t) => [t.fd("f"), Buffer.alloc(5), 0, 5, -2],
      (t) => [t.fd("f"), Buffer.alloc(5), 0, 5, 1.5],
      (t) => [t.fd("f"), Buffer.alloc(5), 0, 5, "1"],
      (t) => [t.fd("f"), Buffer.alloc(0)],
      (t) => [t.fd("f"), Buffer.alloc(0), 0, 1, 0],
      (t) => [t.fd("f"), "no buffer", 0, 1, 0],
      (t) => [t.fd("d"), Buffer.alloc(5)],
      (t) => [t.fd("f", "a"), Buffer.alloc(5)],
    ],
  },
  readv: {
    calls: [
      ...wrongDescriptors([Buffer.alloc(3)]),
      (t) => [t.fd("f"), [Buffer.alloc(3), Buffer.alloc(4)]],
      (t) => [t.fd("f"), [Buffer.alloc(3), new Uint16Array(20)], 1],
      (t) => [t.fd("f"), [Buffer.alloc(3)], 100],
      (t) => [t.fd("f"), "no list"],
      (t) => [t.fd("f"), ["no buffer"]],
      (t) => [t.fd("d"), [Buffer.alloc(3)]],
      (t) => [t.fd("f", "a"), [Buffer.alloc(3)]],
    ],
  },
  write: {
    calls: [
      ...wrongDescriptors("x"),
      (t) => [t.fd("f", "r+"), "text"],
      (t) => [t.fd("f", "r+"), "text", 3],
      (t) => [t.fd("f", "r+"), "tëxt", 3, "latin1"],
      (t) => [t.fd("f", "r+"), "6869", null, "hex"],
      (t) => [t.fd("f", "r+"), "686", null, "hex"],
      (t) => [t.fd("f", "r+"), "text", 50],
      (t) => [t.fd("f", "a"), "text", 3],
      (t) => [t.fd("f", "r+"), Buffer.from("bytes")],
      (t) => [t.fd("f", "r+"), Buffer.from("bytes"), 1],
      (t) => [t.fd("f", "r+"), Buffer.from("bytes"), 1, 2],
      (t) => [t.fd("f", "r+"), Buffer.from("bytes"), 1, 2, 5],
      (t) => [t.fd("f", "r+"), Buffer.from("bytes"), { offset: 1, length: 2, position: 4 }],
      (t) => [t.fd("f", "r+"), Buffer.from("bytes"), null],
      (t) => [t.fd("f", "r+"), new Uint16Array([1, 2])],
      (t) => [t.fd("f", "r+"), Buffer.from("bytes"), 9],
      (t) => [t.fd("f", "r+"), Buffer.from("bytes"), 1, 9],
      (t) => [t.fd("f", "r+"), Buffer.from("bytes"), -1],
      (t) => [t.fd("f", "r+"), Buffer.from("bytes"), 0, -1],
      (t) => [t.fd("f", "r+"), 5],
      (t) => [t.fd("f", "r+"), {}],
      (t) => [t.fd("f"), "text"],
    ],
  },
  writev: {
    calls: [
      ...wrongDescriptors([Buffer.from("a")]),
      (t) => [t.fd("f", "r+"), [Buffer.from("ab"), Buffer.from("cd")]],
      (t) => [t.fd("f", "r+"), [Buffer.from("ab"), new Uint16Array([1])], 20],
      (t) => [t.fd("f", "a"), [Buffer.from("ab")], 2],
      (t) => [t.fd("f", "r+"), []],
      (t) => [t.fd("f", "r+"), ["text"]],
      (t) => [t.fd("f"), [Buffer.from("ab")]],
    ],
  },
};

/** What one call cannot show, with the file that tests it. */
export const elsewhere: { readonly [name: string]: string } = {
  "realpath.native": "node-fs.test.ts",
  lchmod: "node-fs.test.ts",
  lchmodSync: "node-fs.test.ts",
  _toUnixTimestamp: "node-fs.test.ts",
  F_OK: "node-fs.test.ts",
  R_OK: "node-fs.test.ts",
  W_OK: "node-fs.test.ts",
  X_OK: "node-fs.test.ts",
  constants: "node-fs.test.ts",
  promises: "node-fs.test.ts",
  "promises.constants": "node-fs.test.ts",
  "promises.lchmod": "node-fs.test.ts",
  openAsBlob: "node-fs.test.ts",
  Stats: "classes.test.ts",
  Dirent: "classes.test.ts",
  Dir: "classes.test.ts",
  ReadStream: "streams.test.ts",
  WriteStream: "streams.test.ts",
  FileReadStream: "streams.test.ts",
  FileWriteStream: "streams.test.ts",
  createReadStream: "streams.test.ts",
  createWriteStream: "streams.test.ts",
  watch: "watch.test.ts",
  watchFile: "watch.test.ts",
  unwatchFile: "watch.test.ts",
  "promises.watch": "watch.test.ts",
  glob: "glob.test.ts",
  globSync: "glob.test.ts",
  "promises.glob": "glob.test.ts",

  "FileHandle.getAsyncId": "file-handle.test.ts",
  "FileHandle.fd": "file-handle.test.ts",
  "FileHandle.appendFile": "file-handle.test.ts",
  "FileHandle.chmod": "file-handle.test.ts",
  "FileHandle.chown": "file-handle.test.ts",
  "FileHandle.close": "file-handle.test.ts",
  "FileHandle.datasync": "file-handle.test.ts",
  "FileHandle.sync": "file-handle.test.ts",
  "FileHandle.read": "file-handle.test.ts",
  "FileHandle.readv": "file-handle.test.ts",
  "FileHandle.readFile": "file-handle.test.ts",
  "FileHandle.readLines": "file-handle.test.ts",
  "FileHandle.stat": "file-handle.test.ts",
  "FileHandle.truncate": "file-handle.test.ts",
  "FileHandle.utimes": "file-handle.test.ts",
  "FileHandle.write": "file-handle.test.ts",
  "FileHandle.writev": "file-handle.test.ts",
  "FileHandle.writeFile": "file-handle.test.ts",
  "FileHandle.readableWebStream": "file-handle.test.ts",
  "FileHandle.createReadStream": "file-handle.test.ts",
  "FileHandle.createWriteStream": "file-handle.test.ts",
  "FileHandle.asyncDispose": "file-handle.test.ts",
};
