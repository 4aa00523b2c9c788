/**
 * References: the grammar, the normalisation and the words of Docker's parser (distribution/reference;
 * "Exact texts" of tag and rmi). The tables follow its own test cases.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { OciError } from "../../src/oci/errors.ts";
import {
  familiarName,
  familiarReference,
  formatReference,
  parseReference,
  withDefaultTag,
  withTag,
} from "../../src/oci/reference.ts";

const HEX = "a".repeat(64);

test.each([
  ["busybox", "docker.io/library/busybox", "busybox"],
  ["busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"],
  ["docker.io/busybox", "docker.io/library/busybox", "busybox"],
  ["index.docker.io/library/busybox", "docker.io/library/busybox", "busybox"],
  ["library/busybox", "docker.io/library/busybox", "busybox"],
  ["docker.io/library/distros/x", "docker.io/library/distros/x", "library/distros/x"],
  ["user/app", "docker.io/user/app", "user/app"],
  ["docker/docker", "docker.io/docker/docker", "docker/docker"],
  ["localhost/app", "localhost/app", "localhost/app"],
  ["localhost:5000/app:x", "localhost:5000/app:x", "localhost:5000/app:x"],
  ["127.0.0.1:5000/t/base:1", "127.0.0.1:5000/t/base:1", "127.0.0.1:5000/t/base:1"],
  ["[::1]:5000/app", "[::1]:5000/app", "[::1]:5000/app"],
  ["[2001:db8::1]/app:t", "[2001:db8::1]/app:t", "[2001:db8::1]/app:t"],
  ["UPPER/app", "UPPER/app", "UPPER/app"],
  ["test_com/foo", "docker.io/test_com/foo", "test_com/foo"],
  ["test.com:8080/foo_bar.com:8080", "test.com:8080/foo_bar.com:8080", "test.com:8080/foo_bar.com:8080"],
  ["xn--n3h.com/myimage:xn--n3h.com", "xn--n3h.com/myimage:xn--n3h.com", "xn--n3h.com/myimage:xn--n3h.com"],
  ["a__b/c--d", "docker.io/a__b/c--d", "a__b/c--d"],
  ["foo_bar.com:8080", "docker.io/library/foo_bar.com:8080", "foo_bar.com:8080"],
  [`app@sha256:${HEX}`, `docker.io/library/app@sha256:${HEX}`, `app@sha256:${HEX}`],
  [`h:1/app:t@sha256:${HEX}`, `h:1/app:t@sha256:${HEX}`, `h:1/app:t@sha256:${HEX}`],
  [`app@sha512:${HEX}${HEX}`, `docker.io/library/app@sha512:${HEX}${HEX}`, `app@sha512:${HEX}${HEX}`],
  [HEX.slice(1), `docker.io/library/${HEX.slice(1)}`, HEX.slice(1)],
  [`docker.io/library/${HEX}`, `docker.io/library/${HEX}`, `docker.io/library/${HEX}`],
  ["docker.io/localhost", "docker.io/library/localhost", "localhost"],
  ["docker.io/localhost/app", "docker.io/localhost/app", "docker.io/localhost/app"],
])("%s is %s, shown as %s", (text, full, familiar) => {
  const reference = parseReference(text);
  expect(formatReference(reference)).toBe(full);
  expect(familiarReference(reference)).toBe(familiar);
  expect(parseReference(familiar)).toEqual(reference);
});

const INVALID = "invalid reference format";
const LOWERCASE = "invalid reference format: repository name must be lowercase";

test.each([
  ["", INVALID],
  [":x", INVALID],
  ["UPPER", LOWERCASE],
  ["Foo:bar", LOWERCASE],
  ["docker.io/library/Upper", LOWERCASE],
  ["foo:bad tag", INVALID],
  ["foo:", INVALID],
  ["foo@", INVALID],
  ["foo/", INVALID],
  ["foo//bar", INVALID],
  ["-foo/bar", INVALID],
  ["foo/bar-", INVALID],
  ["foo/bar-/baz", INVALID],
  ["foo/-bar", INVALID],
  ["a___b", INVALID],
  ["a..b", INVALID],
  ["a/..", INVALID],
  ["../app", INVALID],
  ["[::1:5000/app", INVALID],
  ["[fe80::1%eth0]:5000/app", INVALID],
  ["-test.com/foo", INVALID],
  ["test-.com/foo", INVALID],
  ["https://github.com/docker/docker", INVALID],
  ["docker.io/docker/docker:tag:tag", INVALID],
  [`foo:${"t".repeat(129)}`, INVALID],
  ["foo@sha256:abc", INVALID],
  [`foo@sha256:${HEX.slice(1)}`, "invalid checksum digest length"],
  [`foo@sha256:${HEX}00`, "invalid checksum digest length"],
  [`foo@sha256:${HEX.toUpperCase()}`, "invalid checksum digest format"],
  [`foo@md5:${HEX}`, "unsupported digest algorithm"],
  [HEX, `invalid repository name (${HEX}), cannot specify 64-byte hexadecimal strings`],
  [`example.com/${"a/".repeat(130)}a`, "repository name must not be more than 255 characters"],
  [`example.com/${"a".repeat(5000)}`, INVALID],
])("%s is refused: %s", (text, message) => {
  expect(() => parseReference(text)).toThrow(new OciError("reference", message));
});

test("a name without tag and digest means latest, one with a digest does not", () => {
  expect(formatReference(withDefaultTag(parseReference("a")))).toBe("docker.io/library/a:latest");
  expect(formatReference(withDefaultTag(parseReference("a:b")))).toBe("docker.io/library/a:b");
  expect(withDefaultTag(parseReference(`a@sha256:${HEX}`)).tag).toBeUndefined();
  expect(formatReference(withTag(parseReference(`a:b@sha256:${HEX}`), "c"))).toBe("docker.io/library/a:c");
  expect(() => withTag(parseReference("a"), "no tag")).toThrow(INVALID);
});

test("every reference is the same after writing and reading it, in both forms", () => {
  const part = fc.stringMatching(/^[a-z0-9]{1,4}([._-][a-z0-9]{1,3})?$/);
  const domain = fc.constantFrom(
    "",
    "docker.io/",
    "localhost/",
    "h:1/",
    "[::1]/",
    "a.b.c:99/",
    "index.docker.io/",
  );
  const tag = fc.constantFrom("", ":latest", ":v1.2-rc_3");
  const texts = fc.tuple(domain, fc.array(part, { minLength: 1, maxLength: 4 }), tag);
  fc.assert(
    fc.property(texts, ([host, parts, name]) => {
      const reference = parseReference(`${host}${parts.join("/")}${name}`);
      expect(parseReference(formatReference(reference))).toEqual(reference);
      expect(parseReference(familiarReference(reference))).toEqual(reference);
      expect(familiarName(reference)).not.toContain("index.docker.io");
    }),
  );
});

test("no input makes the parser slow", () => {
  for (const text of [
    `${"a-".repeat(1000)}!`,
    `${"a.".repeat(1000)}/`,
    `${"[".repeat(2000)}`,
    `${"a_".repeat(900)}@`,
  ]) {
    const start = performance.now();
    expect(() => parseReference(text)).toThrow(INVALID);
    expect(performance.now() - start).toBeLessThan(200);
  }
});
