/**
 * Random layers: everything that an archive can say, sensible or not. Names are few, so that entries
 * meet; some are no UTF-8 and some sort differently by bytes than by UTF-16 units. Parents are often
 * symlinks, whiteouts and opaque marks stand anywhere, the same name comes twice.
 */
import fc from "fast-check";
import { applyLayers } from "../../src/layer/apply.ts";
import { ArchiveError } from "../../src/tar/entry.ts";
import {
  block,
  char,
  type Draft,
  dir,
  fifo,
  file,
  type Given,
  gone,
  hard,
  layer,
  link,
  opaque,
  sparse,
} from "../layer/build.ts";

/** The last two are bytes that are no UTF-8; before them, a name beyond the BMP and one just below it. */
export const NAMES = ["a", "b", "c", "d", "bb", "é", "\u{1f600}", "\uff5e", "\udcff", "a\udc80"] as const;

const name = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...NAMES.slice(0, 4)) },
  { weight: 1, arbitrary: fc.constantFrom(...NAMES) },
);
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join("/"));

/** A path as archives spell them: plain, absolute, with `.`, with a detour, with slashes at the end. */
const spelled = fc
  .tuple(
    path,
    fc.constantFrom("", "", "", "", "./", "/", "c/../", "././/"),
    fc.constantFrom("", "", "", "", "/", "//", "/.", "/d/.."),
  )
  .map(([path, before, after]) => before + path + after);

const target = fc.oneof(
  path,
  path.map((path) => `/${path}`),
  path.map((path) => `../${path}`),
  fc.constantFrom(".", "..", "/", "../../../..", "nowhere", "a/../b"),
);

const TIMES = [0n, 1_700_000_000_123_456_789n, -1n, -3_000_000_001n, 2n ** 62n, (2n ** 63n - 1n) * 10n ** 9n];

const given: fc.Arbitrary<Given> = fc.record({
  mode: fc.constantFrom(0o644, 0o755, 0o000, 0o4755, 0o1777, 0o2750),
  uid: fc.constantFrom(0, 1000, 2 ** 32 - 2),
  gid: fc.constantFrom(0, 5, 2 ** 32 - 2),
  mtime: fc.constantFrom(...TIMES),
  xattrs: fc.constantFrom(
    {},
    {},
    {},
    { "user.a": "1" },
    { "user.b": "\0=\udcff", "security.capability": "\u0001" },
  ),
});

const entry: fc.Arbitrary<Draft> = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(spelled, given).map(([path, given]) => dir(path, given)) },
  {
    weight: 6,
    arbitrary: fc
      .tuple(spelled, fc.constantFrom("", "x", "text", "é"), given)
      .map(([path, text, given]) => file(path, text, given)),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(spelled, target, given).map(([path, to, given]) => link(path, to, given)),
  },
  { weight: 4, arbitrary: fc.tuple(spelled, spelled).map(([path, to]) => hard(path, to)) },
  { weight: 4, arbitrary: path.map((path) => gone(path)) },
  { weight: 2, arbitrary: fc.oneof(path, fc.constant("")).map((path) => opaque(path)) },
  { weight: 1, arbitrary: fc.tuple(path, given).map(([path, given]) => char(path, 1, 3, given)) },
  { weight: 1, arbitrary: fc.tuple(path, given).map(([path, given]) => block(path, 4095, 1048575, given)) },
  { weight: 1, arbitrary: fc.tuple(path, given).map(([path, given]) => fifo(path, given)) },
  {
    weight: 1,
    arbitrary: path.map((path) =>
      sparse(
        path,
        5000,
        [
          { offset: 0, length: 1 },
          { offset: 4096, length: 2 },
        ],
        "abc",
      ),
    ),
  },
  { weight: 1, arbitrary: given.map((given) => dir("./", given)) },
);

/**
 * Entries that lie in one directory by name, with something in between that may move that directory
 * away: what a remembered parent must notice (M19).
 */
const neighbours: fc.Arbitrary<Draft[]> = fc
  .tuple(
    path,
    fc.array(fc.tuple(name, fc.constantFrom("file", "dir", "up", "here", "gone", "entry"), entry), {
      maxLength: 5,
    }),
  )
  .map(([parent, steps]) =>
    steps.map(([name, step, other]) => {
      const path = `${parent}/${name}`;
      if (step === "file") return file(path, "x");
      if (step === "dir") return dir(path);
      if (step === "up") return link(path, "..");
      if (step === "here") return link(path, ".");
      if (step === "gone") return gone(parent);
      return other;
    }),
  );

/** Takes out the entries that a layer cannot be applied with, such as hardlinks to nothing. */
function applicable(layers: readonly (readonly Draft[])[]): Draft[][] {
  const kept = layers.map((drafts) => [...drafts]);
  for (let done = 0; done < kept.length; ) {
    try {
      applyLayers(kept.slice(0, done + 1).map((drafts) => layer(...drafts)));
      done += 1;
    } catch (error) {
      if (!(error instanceof ArchiveError) || error.offset === undefined) throw error;
      kept[done]!.splice(error.offset / 1024, 1);
    }
  }
  return kept;
}

/** Layers as drawn: applying them may fail. */
export const anyLayers: fc.Arbitrary<Draft[][]> = fc.array(
  fc
    .array(
      fc.oneof({ weight: 5, arbitrary: entry.map((entry) => [entry]) }, { weight: 1, arbitrary: neighbours }),
      { maxLength: 8 },
    )
    .map((groups) => groups.flat()),
  { minLength: 1, maxLength: 5 },
);

/** Layers that can be applied, for `treeOf` or `applyLayers`; the lowest first. */
export const layers: fc.Arbitrary<Draft[][]> = anyLayers.map(applicable);
