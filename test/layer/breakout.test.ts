/**
 * How archives got out of their root elsewhere, one test a mechanism (LAYERS.md, 1.6). Here a layer
 * only ever changes a tree, so each test says what the tree must be: what was meant to land outside
 * is refused or lies inside, and what it was meant to change is untouched.
 */
import { describe, expect, test } from "vitest";
import { splitPath } from "../../src/posix/path.ts";
import { describeTree, nodeAt } from "../tree/describe.ts";
import { char, type Draft, dir, fifo, file, gone, hard, link, opaque, treeOf } from "./build.ts";
import { testErrors, testTrees } from "./cases.ts";

const VICTIM = [dir("etc"), file("etc/passwd", "root")];

describe("links in the archive", () => {
  testTrees([
    {
      rule: "CVE-2014-6407: a symlink, then a file of its name: the link is replaced, not written through",
      layers: [VICTIM, [link("x", "/etc/passwd"), file("x", "evil")]],
      tree: { "/etc": "directory 755", "/etc/passwd": 'file 644 "root"', "/x": 'file 644 "evil"' },
    },
    {
      rule: "CVE-2014-6407: a hardlink, then a file of its name: the other name keeps its bytes",
      layers: [VICTIM, [hard("x", "etc/passwd"), file("x", "evil")]],
      tree: { "/etc": "directory 755", "/etc/passwd": 'file 644 "root"', "/x": 'file 644 "evil"' },
    },
    {
      rule: "CVE-2014-6407: a hardlink to a symlink is not a link to what that leads to",
      layers: [VICTIM, [link("s", "/etc/passwd"), hard("x", "s"), file("x", "evil")]],
      tree: {
        "/etc": "directory 755",
        "/etc/passwd": 'file 644 "root"',
        "/s": "symlink → /etc/passwd",
        "/x": 'file 644 "evil"',
      },
    },
    {
      rule: "CVE-2014-9356: an absolute link starts at the root of the tree",
      layers: [[link("abs", "/"), file("abs/tmp/x", "1"), link("far", "/../../.."), file("far/y", "2")]],
      tree: {
        "/abs": "symlink → /",
        "/far": "symlink → /../../..",
        "/tmp": "directory 755",
        "/tmp/x": 'file 644 "1"',
        "/y": 'file 644 "2"',
      },
    },
    {
      rule: "CVE-2026-17106: chained links, go_up and escape, end at the root",
      layers: [
        [dir("victim"), link("go_up", ".."), link("go_up/escape", "../victim"), file("go_up/escape/x", "1")],
        [link("a", "go_up/../.."), link("b", "a/go_up/../../.."), file("b/victim/y", "2")],
      ],
      tree: {
        "/a": "symlink → go_up/../..",
        "/b": "symlink → a/go_up/../../..",
        "/escape": "symlink → ../victim",
        "/go_up": "symlink → ..",
        "/victim": "directory 755",
        "/victim/x": 'file 644 "1"',
        "/victim/y": 'file 644 "2"',
      },
    },
    {
      rule: "CVE-2025-45582: a link in one layer, a write through it in the next",
      layers: [[link("x", "../../../../etc")], [file("x/passwd", "evil")]],
      tree: { "/x": "directory 755", "/x/passwd": 'file 644 "evil"' },
    },
    {
      rule: "CVE-2021-32803: a directory known to be one may be a link by the time of the next entry",
      layers: [VICTIM, [dir("d"), file("d/1"), link("d", "etc"), file("d/2")]],
      tree: {
        "/d": "symlink → etc",
        "/etc": "directory 755",
        "/etc/2": 'file 644 ""',
        "/etc/passwd": 'file 644 "root"',
      },
    },
    {
      rule: "CVE-2026-23745: where a symlink points is not a matter of applying: it is kept as it is",
      layers: [[link("a", "/etc/passwd"), link("b", "../../../../etc/shadow"), link("c", "//host/x")]],
      tree: {
        "/a": "symlink → /etc/passwd",
        "/b": "symlink → ../../../../etc/shadow",
        "/c": "symlink → //host/x",
      },
    },
    {
      rule: "CVE-2024-9676: /etc/passwd as a link to a fifo of the host, or a fifo itself, is only that",
      layers: [[link("etc/passwd", "/proc/1/fd/0"), fifo("etc/group")]],
      tree: {
        "/etc": "directory 755",
        "/etc/group": "fifo 644",
        "/etc/passwd": "symlink → /proc/1/fd/0",
      },
    },
  ]);

  testErrors([
    {
      rule: "CVE-2021-29136: `/.` as a symlink would make everything after it follow",
      layers: [[file("a"), link("/.", "/etc"), file("passwd", "evil")]],
      code: "name",
      says: "rule 1",
      refused: 1,
    },
    ...["..", "../../etc/passwd", "/../etc/passwd", "a/../../etc/passwd"].map((target) => ({
      rule: `CVE-2026-23745: a hardlink to ${target}`,
      layers: [[dir("a"), hard("x", target)]],
      code: "link" as const,
      says: "rule 27",
    })),
    {
      rule: "CVE-2014-6407: a hardlink through a link that leads up finds nothing outside",
      layers: [[link("up", "../../.."), hard("x", "up/proc/self/environ")]],
      code: "link",
      says: "rule 29",
    },
  ]);

  test("CVE-2021-32760: mode and owner in a hardlink's header change nothing, least of all through a link", () => {
    const tree = treeOf(VICTIM, [
      link("s", "/etc/passwd"),
      hard("x", "s", { mode: 0o4777, uid: 1000 }),
      hard("y", "etc/passwd", { mode: 0o4777, uid: 1000 }),
    ]);
    for (const path of ["/etc/passwd", "/y"]) {
      expect(tree.inode(nodeAt(tree, path))).toMatchObject({ mode: 0o644, uid: 0 });
    }
  });
});

describe("names", () => {
  testErrors(
    ["../x", "../../../../../../etc/passwd", "a/../../x", "./../x", "/..", "a//..//..//x", ".."].map(
      (name) => ({
        rule: `rule 2: ${name}`,
        layers: [[file(name, "evil")]],
        code: "name" as const,
        says: "rule 2",
      }),
    ),
  );

  testErrors([
    {
      rule: "CVE-2026-17106: a sibling whose name begins like the root's",
      layers: [[file("../root-evil/x")]],
      code: "name",
      says: "rule 2",
    },
    {
      rule: "containerd 2026: a uid that wraps to 0 in 32 bits",
      layers: [[file("x", "", { mode: 0o4755, uid: 2 ** 32 })]],
      code: "range",
      says: "rule 36",
    },
    {
      rule: "containerd 2026: a device number that wraps to another device",
      layers: [[{ ...char("x", 0, 0), rdev: 2 ** 32 + 0x103 } as Draft]],
      code: "range",
      says: "rule 36",
    },
  ]);

  testTrees([
    {
      rule: "CVE-2026-17106: directories whose names begin alike are told apart",
      layers: [
        [file("dest/x", "1"), file("dest-evil/x", "2"), link("dest/l", "../dest-evil")],
        [gone("dest/l/x"), gone("dest")],
      ],
      tree: { "/dest-evil": "directory 755" },
    },
    {
      rule: "CVE-2021-32804: any number of leading slashes mean the root",
      layers: [[file("////etc/x", "1"), file("/././/etc//y", "2")]],
      tree: { "/etc": "directory 755", "/etc/x": 'file 644 "1"', "/etc/y": 'file 644 "2"' },
    },
    {
      rule: "CVE-2021-37713: drives, backslashes and streams of other systems are ordinary bytes",
      layers: [
        [file("C:..\\..\\x", "1"), file("..\\y", "2"), file("a:b", "3"), file("\\\\host\\share", "4")],
      ],
      tree: {
        "/..\\y": 'file 644 "2"',
        "/C:..\\..\\x": 'file 644 "1"',
        "/\\\\host\\share": 'file 644 "4"',
        "/a:b": 'file 644 "3"',
      },
    },
    {
      rule: "CVE-2021-37701, -37712: names that other systems take for one are two",
      layers: [
        VICTIM,
        [
          link("cafe\u0301", "etc"),
          dir("caf\u00e9"),
          file("caf\u00e9/passwd", "mine"),
          link("ETC", "etc"),
          dir("Etc"),
          file("Etc/passwd", "mine"),
        ],
      ],
      tree: {
        "/ETC": "symlink → etc",
        "/Etc": "directory 755",
        "/Etc/passwd": 'file 644 "mine"',
        "/cafe\u0301": "symlink → etc",
        "/caf\u00e9": "directory 755",
        "/caf\u00e9/passwd": 'file 644 "mine"',
        "/etc": "directory 755",
        "/etc/passwd": 'file 644 "root"',
      },
    },
    {
      rule: "rule 10: a name given twice: the second is what is there, whatever the first was",
      layers: [
        VICTIM,
        [link("x", "/etc"), dir("x"), file("x/passwd", "mine"), hard("y", "x/passwd"), link("x", "etc")],
      ],
      tree: {
        "/etc": "directory 755",
        "/etc/passwd": 'file 644 "root"',
        "/x": "symlink → etc",
        "/y": 'file 644 "mine"',
      },
    },
    {
      rule: "rule 47: broken UTF-8 is neither a slash nor a dot",
      layers: [[file("\udcc0\udcaf\udcc0\udcae", "1"), file("a/\udce0\udc80\udcaf", "2")]],
      tree: {
        "/a": "directory 755",
        "/a/\udce0\udc80\udcaf": 'file 644 "2"',
        "/\udcc0\udcaf\udcc0\udcae": 'file 644 "1"',
      },
    },
  ]);
});

describe("whiteouts", () => {
  testErrors(
    ["../.wh.x", "a/../../.wh..wh..opq", "/../.wh.etc"].map((name) => ({
      rule: `rule 2: a whiteout above the root: ${name}`,
      layers: [VICTIM, [file(name)]],
      code: "name" as const,
      says: "rule 2",
    })),
  );
  testErrors(
    [".wh...", "etc/.wh...", "etc/.wh.."].map((name) => ({
      rule: `rule 20: a whiteout of a directory by its dots: ${name}`,
      layers: [VICTIM, [file(name)]],
      code: "whiteout" as const,
      says: "rule 20",
    })),
  );
  testTrees([
    {
      rule: "rule 24: whiteouts and opaque marks through links that lead up stay inside",
      layers: [
        VICTIM,
        [link("up", "../../../.."), link("l", "/etc")],
        [gone("up/nothing"), gone("l/passwd"), opaque("up/../l")],
      ],
      tree: { "/etc": "directory 755", "/l": "symlink → /etc", "/up": "symlink → ../../../.." },
    },
  ]);
});

test("a deep tree does not exhaust the stack, neither built, nor read, nor removed", () => {
  // Each link leads to the end of what there is, and the entry after it goes on from there.
  const name = Array.from({ length: 500 }, () => "d").join("/");
  const deep: Draft[] = [dir(name)];
  for (let i = 1; i <= 40; i++) {
    deep.push(link(`l${i}`, i === 1 ? name : `l${i - 1}/${name}`), file(`l${i}/${name}/f`));
  }
  const tree = treeOf(deep);
  expect(nodeAt(tree, `${name}/`.repeat(41))).toBeGreaterThan(0);
  const removed = treeOf(deep, [gone("d")]);
  expect(nodeAt(removed, "/d")).toBe(-1);
  expect(removed.history(removed.root, splitPath(`${name}/${name}/f`)).map(({ kind }) => kind)).toEqual([
    "put",
    "ancestor",
  ]);
  const wiped = treeOf(deep, [file("d")]);
  expect(Object.keys(describeTree(wiped)).length).toBe(41);
});
