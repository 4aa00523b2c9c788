/**
 * The distribution protocol against Debian's docker-registry, plain and through a proxy that does harm.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Digest, digestOf } from "../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../src/oci/media-types.ts";
import type { ByteStream } from "../../src/platform/types.ts";
import { downloadBlob } from "../../src/registry/download.ts";
import { listRepositories, listTags } from "../../src/registry/lists.ts";
import { deleteManifest, getManifest, headManifest, putManifest } from "../../src/registry/manifests.ts";
import { addTaggedReferrer, listReferrers } from "../../src/registry/referrers.ts";
import { Session } from "../../src/registry/session.ts";
import { deleteBlob, hasBlob, type UploadOptions, uploadBlob } from "../../src/registry/upload.ts";
import { needs } from "../requirements.ts";
import { makeImage } from "../store/images.ts";
import { type FaultyProxy, startFaultyProxy } from "./faulty-proxy.ts";
import { startRegistry, type TestRegistry } from "./registry.ts";

const FAST = { attempts: 4, firstPause: 5, longestPause: 50 };
const MIB = 1024 * 1024;

async function* once(bytes: Uint8Array): ByteStream {
  for (let at = 0; at < bytes.length; at += 65536) yield bytes.subarray(at, at + 65536);
}

async function collect(stream: ByteStream): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}

/** Bytes that do not compress, the same each time. */
function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0, state = seed; at + 4 <= length; at += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes.writeUInt32LE(state, at);
  }
  return bytes;
}

const digestSeed = (text: string) => Number.parseInt(digestOf(Buffer.from(text)).slice(7, 15), 16);

describe.skipIf(needs.tool("docker-registry", "docker-registry"))("the distribution protocol", () => {
  let registry: TestRegistry;
  let proxy: FaultyProxy;
  let session: Session;

  beforeAll(async () => {
    registry = await startRegistry();
    proxy = await startFaultyProxy(registry.host);
    session = new Session(proxy.host, { env: {}, retries: FAST, timeout: 1000 });
  });
  afterAll(async () => {
    await session.close();
    await proxy.stop();
    await registry.stop();
  });

  const blob = (bytes: Uint8Array) => ({ mediaType: "x", digest: digestOf(bytes), size: bytes.length });
  const push = async (repository: string, bytes: Uint8Array, options: UploadOptions = {}) => {
    return await uploadBlob(session, repository, blob(bytes), { open: () => once(bytes) }, options);
  };
  const faultOnce = (
    matches: (method: string, url: string) => boolean,
    fault: ReturnType<FaultyProxy["decide"]>,
  ) => {
    let left = 1;
    proxy.decide = ({ method, url }) => (matches(method, url) && left-- > 0 ? fault : undefined);
  };

  it("uploads a blob once, mounts it in another repository, and gives it back", async () => {
    const bytes = noise(3 * MIB, 1);
    expect(await push("t/one", bytes)).toEqual({ kind: "uploaded" });
    expect(await push("t/one", bytes)).toEqual({ kind: "exists" });
    expect(await push("t/two", bytes, { mountFrom: ["t/one"] })).toEqual({ kind: "mounted", from: "t/one" });
    expect(await push("t/three", bytes, { mountFrom: ["t/none"] })).toEqual({ kind: "uploaded" });
    expect((await collect(downloadBlob(session, "t/two", blob(bytes)))).equals(bytes)).toBe(true);
    expect(await hasBlob(session, "t/none", blob(bytes))).toBe(false);
  });

  it("uploads in chunks", async () => {
    const bytes = noise(MIB + 17, 2);
    const before = proxy.count("PATCH", "t/chunks");
    expect(await push("t/chunks", bytes, { chunkSize: 300_000 })).toEqual({ kind: "uploaded" });
    expect(proxy.count("PATCH", "t/chunks") - before).toBe(4);
  });

  it("uploads in chunks where one request may not be that large (413)", async () => {
    const bytes = noise(17 * MIB, 3);
    faultOnce((method) => method === "PATCH", { kind: "answer", status: 413 });
    expect(await push("t/large", bytes)).toEqual({ kind: "uploaded" });
    expect(proxy.count("PATCH", "t/large")).toBe(3);
  });

  it.each([
    ["the upload breaks in the middle", "PATCH", { kind: "drop", direction: "up", at: MIB }],
    ["the answer to the bytes is lost", "PATCH", { kind: "drop", direction: "down", at: 0 }],
    ["the confirmation is lost", "PUT", { kind: "drop", direction: "down", at: 0 }],
    ["the bytes change on the way", "PATCH", { kind: "corrupt", direction: "up", at: 12_345 }],
    ["the upload is slow", "PATCH", { kind: "throttle", direction: "up", pause: 2 }],
    ["the answer is late", "PUT", { kind: "delay", milliseconds: 200 }],
    ["the registry is out of service", "PATCH", { kind: "answer", status: 503 }],
    ["the registry forgot the upload", "PUT", { kind: "answer", status: 404 }],
    ["opening the upload fails", "POST", { kind: "answer", status: 500 }],
  ] as const)("a blob arrives whole though %s", async (name, verb, fault) => {
    const bytes = noise(2 * MIB, digestSeed(name));
    faultOnce((method) => method === verb, fault);
    expect(await push("t/harm", bytes)).toEqual({ kind: "uploaded" });
    proxy.decide = () => undefined;
    expect((await collect(downloadBlob(session, "t/harm", blob(bytes)))).equals(bytes)).toBe(true);
  });

  it("chunks that arrived are not sent again", async () => {
    const bytes = noise(4 * MIB, 11);
    let patches = 0;
    proxy.decide = ({ method }) => {
      if (method !== "PATCH" || ++patches !== 3) return undefined;
      return { kind: "answer", status: 502 };
    };
    expect(await push("t/resumed", bytes, { chunkSize: MIB })).toEqual({ kind: "uploaded" });
    proxy.decide = () => undefined;
    const sent = proxy.log.filter(({ method, url }) => method === "PATCH" && url.includes("t/resumed"));
    expect(sent.map(({ headers }) => headers["content-range"])).toEqual([
      `0-${MIB - 1}`,
      `${MIB}-${2 * MIB - 1}`,
      `${2 * MIB}-${3 * MIB - 1}`,
      `${2 * MIB}-${3 * MIB - 1}`,
      `${3 * MIB}-${4 * MIB - 1}`,
    ]);
  });

  it("gives up after some attempts, and says what the registry said", async () => {
    proxy.decide = ({ method }) =>
      method === "POST"
        ? { kind: "answer", status: 503, body: '{"errors":[{"code":"UNAVAILABLE","message":"try later"}]}' }
        : undefined;
    await expect(push("t/never", noise(100, 5))).rejects.toThrow(/unavailable: try later/);
    proxy.decide = () => undefined;
    expect(proxy.count("POST", "t/never")).toBe(FAST.attempts);
  });

  describe("a download", () => {
    const bytes = noise(3 * MIB, 21);
    beforeAll(async () => {
      proxy.decide = () => undefined;
      await push("t/down", bytes);
    });
    const download = (from = 0) => collect(downloadBlob(session, "t/down", blob(bytes), from));
    const isBlob = (method: string, url: string) => method === "GET" && url.includes("/blobs/");

    it("begins in the middle", async () => {
      expect((await download(MIB)).equals(bytes.subarray(MIB))).toBe(true);
    });

    it.each([
      ["the connection breaks", { kind: "drop", direction: "down", at: 2 * MIB }],
      ["the answer ends early", { kind: "truncate", at: MIB + 1 }],
      ["the answer stalls", { kind: "stall", at: 70_000 }],
      ["the registry is out of service", { kind: "answer", status: 502 }],
      ["too much is asked for", { kind: "answer", status: 429, headers: { "retry-after": "0" } }],
    ] as const)("is taken up where it was when %s", async (_, fault) => {
      const before = proxy.log.length;
      faultOnce(isBlob, fault);
      expect((await download()).equals(bytes)).toBe(true);
      proxy.decide = () => undefined;
      const asked = proxy.log.slice(before).filter(({ method, url }) => isBlob(method, url));
      expect(asked.length).toBe(2);
      const [, range] = /^bytes=([0-9]+)-$/.exec(asked[1]?.headers.range ?? "bytes=0-") ?? [];
      // What the kernel still had when a connection was reset is lost.
      const lost = fault.kind === "drop" ? MIB : 0;
      const at = "at" in fault ? fault.at : 0;
      expect(Number(range)).toBeLessThanOrEqual(at);
      expect(Number(range)).toBeGreaterThanOrEqual(at - lost);
    });

    it("starts again with a registry that knows no ranges", async () => {
      let seen = 0;
      proxy.decide = ({ method, url, headers }) => {
        if (!isBlob(method, url)) return undefined;
        seen += 1;
        delete headers.range;
        return seen === 1 ? { kind: "drop", direction: "down", at: MIB } : undefined;
      };
      expect((await download()).equals(bytes)).toBe(true);
      proxy.decide = () => undefined;
      expect(seen).toBe(2);
    });

    it("stops at the first byte too many", async () => {
      const other = Buffer.concat([bytes, Buffer.from("more")]);
      proxy.decide = ({ method, url }) => (isBlob(method, url) ? { kind: "swap", body: other } : undefined);
      await expect(download()).rejects.toThrow(`the blob ${digestOf(bytes)} has ${other.length} bytes`);
      proxy.decide = () => undefined;
    });

    it("refuses another range than it asked for", async () => {
      proxy.decide = ({ method, url }) =>
        isBlob(method, url)
          ? {
              kind: "answer",
              status: 206,
              headers: { "content-range": `bytes 0-9/${bytes.length}` },
              body: "0123456789",
            }
          : undefined;
      await expect(download(5)).rejects.toThrow(/another range/);
      proxy.decide = () => undefined;
    });

    it("gives up where nothing more comes", async () => {
      const before = proxy.count("GET", "/blobs/");
      proxy.decide = ({ method, url }) => (isBlob(method, url) ? { kind: "truncate", at: 10 } : undefined);
      await expect(download()).rejects.toThrow(/ended after \d+ of \d+ bytes/);
      proxy.decide = () => undefined;
      expect(proxy.count("GET", "/blobs/") - before).toBe(FAST.attempts);
    });
  });

  describe("manifests", () => {
    const put = async (repository: string, tag: string, files: Record<string, string>, more: object = {}) => {
      const image = await makeImage([files]);
      for (const [digest, bytes] of image.blobs) {
        if (digest !== image.descriptor.digest) await push(repository, bytes);
      }
      const plain = JSON.parse(Buffer.from(image.blobs.get(image.descriptor.digest)!).toString()) as object;
      const bytes = Buffer.from(JSON.stringify({ ...plain, ...more }, undefined, 2));
      const kept = await putManifest(session, repository, tag, { bytes, mediaType: OCI_MANIFEST });
      return { bytes, digest: digestOf(bytes), ...kept };
    };

    it("are kept byte for byte, and found by tag and digest", async () => {
      const { bytes, digest } = await put("m/a", "1", { a: "1" });
      for (const reference of ["1", digest]) {
        const got = await getManifest(session, "m/a", reference, "the manifest");
        expect(Buffer.from(got.bytes).equals(bytes)).toBe(true);
        expect([got.digest, got.mediaType]).toEqual([digest, OCI_MANIFEST]);
      }
      expect(await headManifest(session, "m/a", "1")).toEqual({
        digest,
        mediaType: OCI_MANIFEST,
        size: bytes.length,
      });
      expect(await headManifest(session, "m/a", "none")).toBeUndefined();
      await expect(getManifest(session, "m/a", "none", "it")).rejects.toThrow(
        "it: manifest unknown: manifest unknown",
      );
    });

    it.each([
      ["changed", { kind: "corrupt", direction: "down", at: 7 }],
      ["swapped", { kind: "swap", body: Buffer.from('{"schemaVersion":2}') }],
    ] as const)("that were %s on the way are refused by tag and by digest", async (_, fault) => {
      const { digest } = await put("m/b", "1", { b: "1" });
      proxy.decide = ({ url, method }) =>
        method === "GET" && url.includes("/manifests/") ? fault : undefined;
      for (const reference of ["1", digest]) {
        await expect(getManifest(session, "m/b", reference, "it")).rejects.toThrow(
          `the manifest ${digest} has the content of sha256:`,
        );
      }
      proxy.decide = () => undefined;
    });

    it("that were cut off are asked for again", async () => {
      const { digest, bytes } = await put("m/c", "1", { c: "1" });
      faultOnce((method, url) => method === "GET" && url.includes("/manifests/"), {
        kind: "drop",
        direction: "down",
        at: 50,
      });
      const got = await getManifest(session, "m/c", digest, "it");
      expect(Buffer.from(got.bytes).equals(bytes)).toBe(true);
    });

    it("are deleted, and so are blobs", async () => {
      const { digest } = await put("m/d", "1", { d: "1" });
      await deleteManifest(session, "m/d", digest);
      expect(await headManifest(session, "m/d", "1")).toBeUndefined();
      await expect(deleteManifest(session, "m/d", digest)).rejects.toThrow(/manifest unknown/);
      const bytes = noise(1000, 77);
      await push("m/d", bytes);
      await deleteBlob(session, "m/d", digestOf(bytes));
      expect(await hasBlob(session, "m/d", blob(bytes))).toBe(false);
    });

    it("are found from what they refer to, by a tag where the registry does not keep track", async () => {
      const subject = await put("m/e", "1", { e: "1" });
      const about = { mediaType: OCI_MANIFEST, digest: subject.digest, size: subject.bytes.length };
      const referrer = await put("m/e", "sig", { s: "1" }, { subject: about });
      expect(referrer.subjectKept).toBe(false);
      const descriptor = {
        mediaType: OCI_MANIFEST,
        digest: referrer.digest as Digest,
        size: referrer.bytes.length,
        artifactType: "application/x-signature",
        annotations: { by: "me" },
      };
      expect(await listReferrers(session, "m/e", subject.digest)).toEqual([]);
      await addTaggedReferrer(session, "m/e", subject.digest, descriptor);
      await addTaggedReferrer(session, "m/e", subject.digest, descriptor);
      expect(await listReferrers(session, "m/e", subject.digest)).toEqual([descriptor]);
      expect(await listReferrers(session, "m/e", subject.digest, "application/x-signature")).toHaveLength(1);
      expect(await listReferrers(session, "m/e", subject.digest, "other")).toEqual([]);
    });

    it("are listed by their tags, page by page", async () => {
      const tags = ["a", "b", "c", "d", "e"];
      for (const tag of tags) await put("m/f", tag, { f: tag });
      expect((await all(listTags(session, "m/f"))).sort()).toEqual(tags);
      const before = proxy.count("GET", "_catalog");
      const repositories = await all(listRepositories(session, 3));
      expect(repositories).toContain("m/f");
      expect(repositories).toEqual([...new Set(repositories)].sort());
      expect(proxy.count("GET", "_catalog") - before).toBe(Math.floor(repositories.length / 3) + 1);
      await expect(all(listTags(session, "m/none"))).rejects.toThrow(/name unknown/);
    });
  });
});
