/**
 * Who is told credentials, and who is not: challenges, tokens, files and helpers of credentials; redirects
 * and realms that lead elsewhere (REGISTRY 4.1).
 */
import { once } from "node:events";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../../src/oci/digest.ts";
import { parseChallenges, preferredChallenge } from "../../src/registry/challenge.ts";
import {
  eraseCredential,
  findCredential,
  storeCredential,
} from "../../src/registry/credentials/credentials.ts";
import { downloadBlob } from "../../src/registry/download.ts";
import { listTags } from "../../src/registry/lists.ts";
import { login } from "../../src/registry/login.ts";
import { getManifest, pullScope, pushScope } from "../../src/registry/manifests.ts";
import { proxyFor } from "../../src/registry/proxy.ts";
import { checkLiteralHost, isLoopbackHost, mayReach, reachOf } from "../../src/registry/reach.ts";
import { parseRetryAfter, pauseBefore } from "../../src/registry/retry.ts";
import { type RegistryOptions, Session } from "../../src/registry/session.ts";
import { uploadBlob } from "../../src/registry/upload.ts";
import { needs } from "../requirements.ts";
import { scratch } from "../store/scratch.ts";
import {
  type Certificate,
  makeCertificate,
  PASSWORD,
  startRegistry,
  type TestRegistry,
  USER,
} from "./registry.ts";
import { IDENTITY_TOKEN, startTokenServer, type TokenServer } from "./token-server.ts";

const FAST = { attempts: 2, firstPause: 1, longestPause: 10 };
const CREDENTIAL = { kind: "password", username: USER, password: PASSWORD } as const;
const BASIC = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString("base64")}`;
const OPTIONS: RegistryOptions = { env: {}, retries: FAST, timeout: 3000 };

describe("challenges", () => {
  it.each([
    [
      'Bearer realm="https://a/t",service="s",scope="repository:x:pull,push"',
      [["bearer", { realm: "https://a/t", service: "s", scope: "repository:x:pull,push" }]],
    ],
    ['Basic realm="a, \\"quoted\\" one"', [["basic", { realm: 'a, "quoted" one' }]]],
    [
      'Negotiate, Basic realm=x, Bearer realm="y", error=insufficient_scope',
      [
        ["negotiate", {}],
        ["basic", { realm: "x" }],
        ["bearer", { realm: "y", error: "insufficient_scope" }],
      ],
    ],
    [
      "Negotiate YWJj==, Basic realm=x",
      [
        ["negotiate", {}],
        ["basic", { realm: "x" }],
      ],
    ],
    ['BEARER  Realm = "z"', [["bearer", { realm: "z" }]]],
    ['Bearer realm="never closed', [["bearer", {}]]],
    ["", []],
    [", ,", []],
  ] as const)("%s", (header, expected) => {
    const found = parseChallenges(header).map(({ scheme, parameters }) => [
      scheme,
      Object.fromEntries(parameters),
    ]);
    expect(found).toEqual(expected);
  });

  it("Bearer is preferred over Basic, wherever it stands", () => {
    expect(preferredChallenge(parseChallenges(["Basic realm=x", 'Bearer realm="y"']))?.scheme).toBe("bearer");
    expect(preferredChallenge(parseChallenges(["Digest realm=x", "Basic realm=x"]))?.scheme).toBe("basic");
    expect(preferredChallenge(parseChallenges(["Digest realm=x"]))).toBeUndefined();
  });
});

describe("where a registry may send us", () => {
  it.each([
    ["8.8.8.8", "public"],
    ["2001:4860:4860::8888", "public"],
    ["10.1.2.3", "private"],
    ["172.31.0.1", "private"],
    ["172.32.0.1", "public"],
    ["192.168.1.1", "private"],
    ["100.64.0.1", "private"],
    ["0.0.0.0", "private"],
    ["fd12::1", "private"],
    ["127.0.0.1", "loopback"],
    ["127.255.0.1", "loopback"],
    ["::1", "loopback"],
    ["::ffff:127.0.0.1", "loopback"],
    ["64:ff9b::7f00:1", "loopback"],
    ["169.254.169.254", "link-local"],
    ["::ffff:a9fe:a9fe", "link-local"],
    ["fe80::1", "link-local"],
    ["fd00:ec2::254", "link-local"],
  ] as const)("%s is %s", (address, reach) => expect(reachOf(address)).toBe(reach));

  it("no further inside than itself", () => {
    expect(mayReach("public", "private")).toBe(false);
    expect(mayReach("private", "public")).toBe(true);
    expect(mayReach("private", "loopback")).toBe(false);
    expect(mayReach("loopback", "private")).toBe(true);
    expect(mayReach("loopback", "link-local")).toBe(false);
    for (const host of ["169.254.169.254", "[::1]", "localhost", "10.0.0.1"]) {
      expect(() => checkLiteralHost(host, "public"), host).toThrow(/refusing to connect to/);
    }
    for (const host of ["localhost", "a.localhost", "127.0.0.1", "[::1]"])
      expect(isLoopbackHost(host)).toBe(true);
    for (const host of ["localhost.example.com", "128.0.0.1"]) expect(isLoopbackHost(host)).toBe(false);
  });
});

describe("proxies and pauses", () => {
  it.each([
    ["https://r.example.com/", { HTTPS_PROXY: "http://p:1" }, "http://p:1/"],
    ["https://r.example.com/", { https_proxy: "p:1" }, "http://p:1/"],
    ["http://r.example.com/", { HTTPS_PROXY: "http://p:1" }, undefined],
    ["https://localhost:5000/", { HTTPS_PROXY: "http://p:1" }, undefined],
    ["https://r.example.com/", { HTTPS_PROXY: "http://p:1", NO_PROXY: "example.com" }, undefined],
    ["https://r.example.com/", { HTTPS_PROXY: "http://p:1", NO_PROXY: ".example.com" }, undefined],
    ["https://example.com/", { HTTPS_PROXY: "http://p:1", NO_PROXY: ".example.com" }, "http://p:1/"],
    ["https://rexample.com/", { HTTPS_PROXY: "http://p:1", NO_PROXY: "example.com" }, "http://p:1/"],
    ["https://10.1.2.3/", { HTTPS_PROXY: "http://p:1", NO_PROXY: "a, 10.0.0.0/8" }, undefined],
    [
      "https://r.example.com:5000/",
      { HTTPS_PROXY: "http://p:1", NO_PROXY: "r.example.com:5001" },
      "http://p:1/",
    ],
    ["https://r.example.com/", { HTTPS_PROXY: "http://p:1", NO_PROXY: "*" }, undefined],
  ])("%s with %o goes through %s", (url, env, proxy) => {
    expect(proxyFor(new URL(url), env)?.href).toBe(proxy);
  });

  it("Retry-After is seconds or a date", () => {
    expect(parseRetryAfter("7", 0)).toBe(7000);
    expect(parseRetryAfter("Sat, 21 Nov 2026 07:00:10 GMT", Date.parse("2026-11-21T07:00:00Z"))).toBe(10_000);
    expect(parseRetryAfter("Sat, 21 Nov 2020 07:00:10 GMT", Date.parse("2026-11-21T07:00:00Z"))).toBe(0);
    expect(parseRetryAfter("soon", 0)).toBeUndefined();
    const policy = { attempts: 9, firstPause: 1000, longestPause: 60_000 };
    expect(pauseBefore(1, policy, 20_000)).toBe(20_000);
    expect(pauseBefore(1, policy, 1e9)).toBe(60_000);
    expect(pauseBefore(3, policy, undefined)).toBeGreaterThanOrEqual(3000);
    expect(pauseBefore(3, policy, undefined)).toBeLessThanOrEqual(5000);
  });
});

describe("files of credentials", () => {
  let home: string;
  const warnings: string[] = [];
  const find = (domain: string, repository?: string, env: Record<string, string> = {}) =>
    findCredential(domain, repository, {
      env: { HOME: home, PATH: process.env.PATH ?? "", ...env },
      warn: (text) => warnings.push(text),
    });
  const write = (path: string, document: unknown) => {
    const file = join(home, path);
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, JSON.stringify(document));
    return file;
  };
  const auth = (text: string) => ({ auth: Buffer.from(text).toString("base64") });
  const password = (username: string, secret: string) => ({ kind: "password", username, password: secret });

  beforeEach(() => {
    home = scratch();
    warnings.length = 0;
  });

  it("keys: the longest path, the host, Docker Hub's own name", async () => {
    write(".docker/config.json", {
      auths: {
        "https://index.docker.io/v1/": auth("hub:1"),
        "https://old.example.com/v1/": auth("old:2"),
        "r.example.com": auth("host:3"),
        "r.example.com/team": auth("team:4"),
        "r.example.com/team/app": auth("app:with:colon"),
        "plain.example.com": { username: "u", password: "p" },
        "token.example.com": { identitytoken: "it" },
        "ready.example.com": { registrytoken: "rt" },
        "empty.example.com": {},
      },
    });
    expect(await find("docker.io", "library/debian")).toEqual(password("hub", "1"));
    expect(await find("old.example.com")).toEqual(password("old", "2"));
    expect(await find("r.example.com", "other")).toEqual(password("host", "3"));
    expect(await find("r.example.com", "team/other")).toEqual(password("team", "4"));
    expect(await find("r.example.com", "team/app")).toEqual(password("app", "with:colon"));
    expect(await find("r.example.com", "teamster")).toEqual(password("host", "3"));
    expect(await find("plain.example.com")).toEqual(password("u", "p"));
    expect(await find("token.example.com")).toEqual({ kind: "identity", token: "it" });
    expect(await find("ready.example.com")).toEqual({ kind: "bearer", token: "rt" });
    expect(await find("empty.example.com")).toBeUndefined();
    expect(await find("example.com")).toBeUndefined();
    expect(await find("r.example.com:5000")).toBeUndefined();
  });

  it("places: REGISTRY_AUTH_FILE, DOCKER_CONFIG, podman's", async () => {
    const own = write("own.json", { auths: { a: auth("own:1") } });
    write(".docker/config.json", { auths: { a: auth("docker:1"), b: auth("docker:2") } });
    write("other/config.json", { auths: { a: auth("other:1") } });
    write("run/containers/auth.json", { auths: { a: auth("run:1"), c: auth("run:3") } });
    write(".config/containers/auth.json", { auths: { c: auth("config:3"), d: auth("config:4") } });
    const run = { XDG_RUNTIME_DIR: join(home, "run") };
    const user = async (domain: string, env = {}) => {
      const found = await find(domain, undefined, { ...run, ...env });
      return found?.kind === "password" ? found.username : undefined;
    };
    expect(await user("a", { REGISTRY_AUTH_FILE: own })).toBe("own");
    expect(await user("b", { REGISTRY_AUTH_FILE: own })).toBeUndefined();
    expect(await user("a", { DOCKER_CONFIG: join(home, "other") })).toBe("other");
    expect(await Promise.all(["a", "b", "c", "d"].map((domain) => user(domain)))).toEqual([
      ...["docker", "docker", "run", "config"],
    ]);
  });

  it("what is kept: whole, private, through a link, with all that is unknown", async () => {
    const file = write("real.json", {
      auths: { x: auth("x:1") },
      psFormat: "table",
      plugins: { a: { b: "c" } },
    });
    chmodSync(file, 0o644);
    mkdirSync(join(home, ".docker"));
    symlinkSync("../real.json", join(home, ".docker/config.json"));
    const env = { HOME: home };
    expect(await storeCredential("r:5000", { username: "u", password: "p" }, env)).toBe(
      join(home, ".docker/config.json"),
    );
    expect(lstatSync(join(home, ".docker/config.json")).isSymbolicLink()).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
      auths: { x: auth("x:1"), "r:5000": auth("u:p") },
      psFormat: "table",
      plugins: { a: { b: "c" } },
    });
    await eraseCredential("r:5000", env);
    expect(JSON.parse(readFileSync(file, "utf8")).auths).toEqual({ x: auth("x:1") });
    await eraseCredential("never", env);
    writeFileSync(file, "{ not json, but a secret");
    await expect(find("x")).rejects.toThrow(/config.json is not valid JSON$/);
  });

  it("helpers: get, store, erase; nothing there; one that fails; one that is missing", async () => {
    const bin = join(home, "bin");
    mkdirSync(bin);
    writeFileSync(
      join(bin, "docker-credential-test"),
      `#!/bin/sh
verb=$1; read -r input || true
echo "$verb $input" >> "${home}/log"
case "$verb $input" in
  "get with.example.com") echo '{"ServerURL":"x","Username":"hu","Secret":"hs"}';;
  "get token.example.com") echo '{"Username":"<token>","Secret":"it"}';;
  "get broken.example.com") echo "it broke"; exit 1;;
  "get "*) echo "credentials not found in native keychain"; exit 1;;
esac
`,
      { mode: 0o755 },
    );
    const env = { HOME: home, PATH: `${bin}:${process.env.PATH}` };
    const file = write(".docker/config.json", {
      credsStore: "test",
      credHelpers: { "own.example.com": "missing" },
      auths: { "file.example.com": auth("f:1") },
    });
    const get = (domain: string) =>
      findCredential(domain, undefined, { env, warn: (text) => warnings.push(text) });
    expect(await get("with.example.com")).toEqual(password("hu", "hs"));
    expect(await get("token.example.com")).toEqual({ kind: "identity", token: "it" });
    expect(await get("file.example.com")).toEqual(password("f", "1"));
    expect(await get("none.example.com")).toBeUndefined();
    expect(warnings).toEqual([]);
    expect(await get("broken.example.com")).toBeUndefined();
    expect(await get("own.example.com")).toBeUndefined();
    expect(warnings).toEqual([
      "docker-credential-test get failed: it broke",
      "the credential helper docker-credential-missing: not found in PATH",
    ]);
    expect(await storeCredential("s.example.com", { username: "u", password: "p" }, env)).toBeUndefined();
    await eraseCredential("s.example.com", env);
    const log = readFileSync(join(home, "log"), "utf8");
    expect(log).toContain('store {"ServerURL":"s.example.com","Username":"u","Secret":"p"}');
    expect(log).toContain("erase s.example.com");
    expect(readFileSync(file, "utf8")).not.toContain("s.example.com");
    await expect(storeCredential("own.example.com", { username: "u", password: "p" }, env)).rejects.toThrow(
      /docker-credential-missing: not found/,
    );
  });
});

/** A server that writes down what it is sent. */
interface Listener {
  readonly url: string;
  readonly host: string;
  readonly seen: IncomingMessage[];
  answer: (request: IncomingMessage) => { status: number; headers?: Record<string, string>; body?: string };
  stop(): Promise<void>;
}

async function listen(tls?: Certificate): Promise<Listener> {
  const seen: IncomingMessage[] = [];
  const state: Pick<Listener, "answer"> = { answer: () => ({ status: 200, body: "{}" }) };
  const handle = (request: IncomingMessage, response: import("node:http").ServerResponse) => {
    seen.push(request);
    const { status, headers, body } = state.answer(request);
    request.resume();
    response.writeHead(status, headers);
    response.end(body);
  };
  const server: Server =
    tls === undefined
      ? createServer(handle)
      : createSecureServer({ cert: readFileSync(tls.certificate), key: readFileSync(tls.key) }, handle);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const host = `127.0.0.1:${address.port}`;
  return Object.assign(state, {
    host,
    url: `${tls === undefined ? "http" : "https"}://${host}`,
    seen,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  });
}

describe.skipIf(needs.tool("openssl", "openssl"))("credentials stay with whom they are for", () => {
  let directory: string;
  let certificate: Certificate;
  let secure: Listener;
  let plain: Listener;
  let elsewhere: Listener;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "strata-tls-"));
    certificate = makeCertificate(directory);
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  beforeEach(async () => {
    [secure, plain, elsewhere] = await Promise.all([listen(certificate), listen(), listen()]);
  });
  afterEach(async () => {
    await Promise.all([secure, plain, elsewhere].map((listener) => listener.stop()));
  });

  const blob = Buffer.from("a blob");
  const descriptor = { mediaType: "x", digest: digestOf(blob), size: blob.length };
  const use = async <T>(host: string, work: (session: Session) => Promise<T>, more: RegistryOptions = {}) => {
    const session = new Session(host, {
      ...OPTIONS,
      certificates: directory,
      credential: CREDENTIAL,
      ...more,
    });
    try {
      return await work(session);
    } finally {
      await session.close();
    }
  };
  const download = async (session: Session) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of downloadBlob(session, "r", descriptor)) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };
  const basic =
    (next: Listener["answer"]): Listener["answer"] =>
    (request) =>
      request.headers.authorization === undefined
        ? { status: 401, headers: { "www-authenticate": "Basic realm=x" } }
        : next(request);
  const secrets = (listener: Listener) => listener.seen.map(({ headers }) => headers.authorization);

  it("a redirect to another host is followed without them, and its challenge is not answered", async () => {
    plain.answer = basic(({ url }) =>
      url === "/v2/" ? { status: 200 } : { status: 307, headers: { location: `${elsewhere.url}/x?sig=1` } },
    );
    elsewhere.answer = () => ({ status: 200, body: "a blob" });
    expect(await use(plain.host, download)).toBe("a blob");
    elsewhere.answer = () => ({ status: 401, headers: { "www-authenticate": "Basic realm=y" } });
    await expect(use(plain.host, download)).rejects.toThrow(/401/);
    expect(secrets(elsewhere)).toEqual([undefined, undefined]);
    expect(elsewhere.seen.every(({ headers }) => !JSON.stringify(headers).includes(PASSWORD))).toBe(true);
    expect(secrets(plain)).toContain(BASIC);
  });

  it("a redirect to the registry itself keeps them", async () => {
    plain.answer = basic(({ url }) =>
      url?.startsWith("/v2/")
        ? url === "/v2/"
          ? { status: 200 }
          : { status: 302, headers: { location: "/cache/x" } }
        : { status: 200, body: "a blob" },
    );
    expect(await use(plain.host, download)).toBe("a blob");
    expect(secrets(plain).at(-1)).toBe(BASIC);
  });

  it.each([301, 302, 303, 307, 308])("a redirect (%i) from HTTPS to HTTP is refused", async (status) => {
    secure.answer = basic(({ url }) =>
      url === "/v2/" ? { status: 200 } : { status, headers: { location: `${elsewhere.url}/x` } },
    );
    await expect(use(secure.host, download)).rejects.toThrow(
      /refusing to follow .* from HTTPS to plain HTTP/,
    );
    expect(elsewhere.seen).toEqual([]);
  });

  it("a redirect into the network of this machine is refused", async () => {
    for (const host of ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]"]) {
      plain.answer = () => ({ status: 307, headers: { location: `http://${host}/latest/meta-data` } });
      await expect(use(plain.host, download)).rejects.toThrow(/refusing to connect/);
    }
  });

  it("a realm that is not HTTPS gets none from a registry that is", async () => {
    secure.answer = () => ({
      status: 401,
      headers: { "www-authenticate": `Bearer realm="${elsewhere.url}/t"` },
    });
    const refused = /refusing to send credentials unencrypted/;
    await expect(use(secure.host, download)).rejects.toThrow(refused);
    await expect(
      login(secure.host, USER, PASSWORD, { ...OPTIONS, certificates: directory, env: { HOME: directory } }),
    ).rejects.toThrow(refused);
    expect(elsewhere.seen).toEqual([]);
  });

  it.each(["http://169.254.169.254/t", "http://10.0.0.1/t", "ftp://127.0.0.1/t", "not an address"])(
    "the realm %s gets none",
    async (realm) => {
      plain.answer = () => ({ status: 401, headers: { "www-authenticate": `Bearer realm="${realm}"` } });
      await expect(use(plain.host, download)).rejects.toThrow(/refusing|no usable token server/);
    },
  );

  it("an upload that goes on elsewhere gets none there, and never goes on unencrypted", async () => {
    const upload = (session: Session) =>
      uploadBlob(session, "r", descriptor, {
        async *open() {
          yield blob;
        },
      });
    const answers = (location: string): Listener["answer"] =>
      basic(({ method, url }) => {
        if (url === "/v2/") return { status: 200 };
        if (method === "HEAD") return { status: 404 };
        return { status: 202, headers: { location } };
      });
    plain.answer = answers(`${elsewhere.url}/upload/1`);
    elsewhere.answer = ({ method }) =>
      method === "PUT"
        ? { status: 201 }
        : { status: 202, headers: { location: `${elsewhere.url}/upload/2?state=a%2Fb` } };
    expect(await use(plain.host, upload)).toEqual({ kind: "uploaded" });
    expect(secrets(elsewhere)).toEqual([undefined, undefined]);
    expect(elsewhere.seen[1]!.url).toBe(
      `/upload/2?state=a%2Fb&digest=${encodeURIComponent(descriptor.digest)}`,
    );
    secure.answer = answers(`http://other.example.com/upload`);
    await expect(use(secure.host, upload)).rejects.toThrow(/from HTTPS to plain HTTP/);
  });

  it("pages do not go on at another host, nor around in a circle", async () => {
    const tags = async (session: Session) => {
      for await (const tag of listTags(session, "r")) expect(tag).toBe("a");
    };
    const page =
      (link: string): Listener["answer"] =>
      ({ url }) => ({
        status: 200,
        body: '{"tags":["a"]}',
        ...(url === "/v2/" ? {} : { headers: { link: `<${link}>; rel="next"` } }),
      });
    plain.answer = page(`${elsewhere.url}/v2/r/tags/list`);
    await expect(use(plain.host, tags)).rejects.toThrow(/another host/);
    expect(elsewhere.seen).toEqual([]);
    plain.answer = page("/v2/r/tags/list?last=a");
    await expect(use(plain.host, tags)).rejects.toThrow(/circle/);
  });

  it("a certificate that is not trusted is refused, also on this machine, unless asked for", async () => {
    secure.answer = ({ url }) => ({ status: 200, body: url === "/v2/" ? "" : "a blob" });
    await expect(use(secure.host, download, { certificates: scratch() })).rejects.toThrow(
      /self-signed certificate/,
    );
    expect(secure.seen).toEqual([]);
    expect(await use(secure.host, download, { certificates: scratch(), insecure: true })).toBe("a blob");
    expect(await use(secure.host, download)).toBe("a blob");
  });

  it("a proxy is given the address over HTTP, and only a tunnel over HTTPS", async () => {
    const asked: string[] = [];
    const proxy = createServer((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers["proxy-authorization"]}`);
      response.end(request.url?.endsWith("/v2/") ? "" : "a blob");
    });
    proxy.on("connect", (request, socket: Socket, head: Buffer) => {
      asked.push(`${request.method} ${request.url} ${request.headers["proxy-authorization"]}`);
      // Whatever host it is asked for, this one is behind it.
      const [, port] = secure.host.split(":");
      const onward = connect(Number(port), "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        onward.write(head);
        socket.pipe(onward).pipe(socket);
      });
      onward.on("error", () => socket.destroy());
      socket.on("error", () => onward.destroy());
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const { port } = proxy.address() as AddressInfo;
    const env = { HTTPS_PROXY: `http://me:pw@127.0.0.1:${port}`, HTTP_PROXY: `http://127.0.0.1:${port}` };
    secure.answer = ({ url }) => ({ status: 200, body: url === "/v2/" ? "" : "a blob" });
    try {
      const behind = "registry.example.test";
      expect(await use(behind, download, { env, insecure: true })).toBe("a blob");
      const name = `Basic ${Buffer.from("me:pw").toString("base64")}`;
      expect(new Set(asked)).toEqual(new Set([`CONNECT ${behind}:443 ${name}`]));
      expect(secure.seen.map(({ url }) => url)).toEqual(["/v2/", `/v2/r/blobs/${descriptor.digest}`]);
      expect(secure.seen.some(({ headers }) => "proxy-authorization" in headers)).toBe(false);
      asked.length = 0;
      // No tunnel, so that plain HTTP comes next.
      const plainOnly = { HTTP_PROXY: env.HTTP_PROXY, HTTPS_PROXY: `http://${elsewhere.host}`, NO_PROXY: "" };
      await elsewhere.stop();
      expect(await use(behind, download, { env: plainOnly, insecure: true })).toBe("a blob");
      elsewhere = await listen();
      expect(asked).toEqual([
        `GET http://${behind}/v2/ undefined`,
        `GET http://${behind}/v2/r/blobs/${descriptor.digest} undefined`,
      ]);
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });

  it("where nobody listens, or plain HTTP was not asked for, is told at once", async () => {
    const { host } = elsewhere;
    await elsewhere.stop();
    const patient = { retries: { attempts: 5, firstPause: 60_000, longestPause: 60_000 } };
    await expect(use(host, download, patient)).rejects.toThrow(`${host}: connection refused`);
    elsewhere = await listen();
  });

  it("a page of HTML, and words meant to mislead a terminal, are not repeated", async () => {
    plain.answer = ({ url }) =>
      url === "/v2/" ? { status: 200 } : { status: 403, body: "<html>secret page</html>" };
    const message = await use(plain.host, download).catch((error: Error) => error.message);
    expect(message).toBe(`the blob ${descriptor.digest}: ${plain.host} answered with status 403`);
    plain.answer = ({ url }) =>
      url === "/v2/"
        ? { status: 200 }
        : {
            status: 403,
            body: JSON.stringify({ errors: [{ code: "DENIED", message: "no\u001b[2Jway\n" }] }),
          };
    const words = await use(plain.host, download).catch((error: Error) => error.message);
    expect(words).toBe(`the blob ${descriptor.digest}: denied: no [2Jway`);
  });

  it("warnings of a registry are shown once", async () => {
    const told: string[] = [];
    plain.answer = () => ({
      status: 200,
      headers: { warning: '299 - "going \\"away\\" soon"' },
      body: "a blob",
    });
    await use(
      plain.host,
      async (session) => {
        await download(session);
        await download(session);
      },
      { warn: (text) => told.push(text) },
    );
    expect(told).toEqual(['going "away" soon']);
  });
});

describe.skipIf(needs.tool("docker-registry", "docker-registry") ?? needs.tool("openssl", "openssl"))(
  "a real registry",
  () => {
    let directory: string;
    let certificate: Certificate;
    let tokens: TokenServer;
    let registry: TestRegistry;

    beforeAll(async () => {
      directory = mkdtempSync(join(tmpdir(), "strata-token-"));
      certificate = makeCertificate(directory);
      tokens = await startTokenServer(certificate);
      registry = await startRegistry({
        auth: "token",
        realm: { url: tokens.url, certificate: certificate.certificate },
      });
    });
    afterAll(async () => {
      await registry.stop();
      await tokens.stop();
      rmSync(directory, { recursive: true });
    });
    beforeEach(() => {
      tokens.log.length = 0;
      tokens.life = 300;
      tokens.member = "token";
      tokens.form = true;
    });

    const bytes = Buffer.from("bytes of a blob");
    const descriptor = { mediaType: "x", digest: digestOf(bytes), size: bytes.length };
    const source = {
      async *open() {
        yield bytes;
      },
    };
    const push = async (repository: string, options: RegistryOptions, mountFrom: readonly string[] = []) => {
      const session = new Session(registry.host, { ...OPTIONS, ...options });
      try {
        return (await uploadBlob(session, repository, descriptor, source, { mountFrom })).kind;
      } finally {
        await session.close();
      }
    };

    it("behind a token server: one token for a set of scopes, with the password", async () => {
      expect(await push("a/one", { credential: CREDENTIAL })).toBe("uploaded");
      expect(tokens.log).toEqual([
        {
          method: "GET",
          scopes: [pushScope("a/one")],
          service: "test-registry",
          authorization: BASIC,
          grant: null,
          offline: null,
        },
      ]);
    });

    it("a mount asks for the other repository too, after its own", async () => {
      await push("a/from", { credential: CREDENTIAL });
      expect(await push("a/to", { credential: CREDENTIAL }, ["a/from"])).toBe("mounted");
      expect(tokens.log.at(-1)?.scopes).toEqual([pushScope("a/to"), pullScope("a/from")]);
    });

    it("access_token, and a token that ends at once", async () => {
      tokens.member = "access_token";
      tokens.life = 1;
      expect(await push("a/short", { credential: CREDENTIAL })).toBe("uploaded");
    });

    it("an identity token: by the form, and where that is not known, without", async () => {
      const credential = { kind: "identity", token: IDENTITY_TOKEN } as const;
      expect(await push("a/identity", { credential })).toBe("uploaded");
      expect(tokens.log[0]).toMatchObject({
        method: "POST",
        grant: "refresh_token",
        authorization: undefined,
      });
      tokens.form = false;
      expect(await push("a/identity2", { credential })).toBe("uploaded");
      expect(tokens.log.at(-1)?.method).toBe("GET");
    });

    it("nobody may read what is not open, and is told so", async () => {
      await push("a/closed", { credential: CREDENTIAL });
      const session = new Session(registry.host, OPTIONS);
      await expect(getManifest(session, "a/closed", "1", "it")).rejects.toThrow(
        "it: unauthorized: authentication required",
      );
      tokens.open.add("a/closed");
      await expect(getManifest(session, "a/closed", "1", "it")).rejects.toThrow("it: manifest unknown");
      await session.close();
    });

    it("wrong credentials are refused in the token server's words", async () => {
      const credential = { ...CREDENTIAL, password: "wrong" };
      await expect(push("a/wrong", { credential })).rejects.toThrow(/incorrect username or password/);
    });

    it("login keeps the identity token that the server gives instead of the password", async () => {
      const home = scratch();
      const file = await login(registry.host, USER, PASSWORD, { ...OPTIONS, env: { HOME: home } });
      const kept = JSON.parse(readFileSync(file!, "utf8")).auths[registry.host];
      expect(kept.identitytoken).toBe(IDENTITY_TOKEN);
      expect(JSON.stringify(kept)).not.toContain(Buffer.from(`${USER}:${PASSWORD}`).toString("base64"));
      expect(await push("a/after", { env: { HOME: home } })).toBe("uploaded");
      await expect(login(registry.host, USER, "wrong", { ...OPTIONS, env: { HOME: home } })).rejects.toThrow(
        /incorrect username or password/,
      );
    });

    it("over TLS, with its authority in certs.d, and not without", async () => {
      const secure = await startRegistry({ tls: certificate, auth: "htpasswd" });
      try {
        const config = scratch();
        const folder = join(config, "containers/certs.d", secure.host);
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, "ca.crt"), readFileSync(certificate.certificate));
        const one = (options: RegistryOptions) => {
          const session = new Session(secure.host, { ...OPTIONS, credential: CREDENTIAL, ...options });
          return uploadBlob(session, "x/y", descriptor, source).finally(() => session.close());
        };
        expect(await one({ env: { XDG_CONFIG_HOME: config } })).toEqual({ kind: "uploaded" });
        await expect(one({ env: {} })).rejects.toThrow(/self-signed certificate/);
        expect(await one({ insecure: true })).toEqual({ kind: "exists" });
      } finally {
        await secure.stop();
      }
    });
  },
);
