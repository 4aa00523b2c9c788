/**
 * What `strata pull`, `push`, `login` and `logout` print, beside the transcripts of docker 20.10
 * (STORE-AND-CLI, "Exact texts"): only names, digests and sizes differ.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { shortDigest } from "../../src/oci/digest.ts";
import { type Ran, strata } from "../cli/strata.ts";
import { needs } from "../requirements.ts";
import { layoutOf, type MadeImage, makeImage } from "../store/images.ts";
import { scratch } from "../store/scratch.ts";
import { type FaultyProxy, startFaultyProxy } from "./faulty-proxy.ts";
import { PASSWORD, startRegistry, type TestRegistry, USER } from "./registry.ts";

describe.skipIf(needs.tool("docker-registry", "docker-registry"))("transcripts", () => {
  let registry: TestRegistry;
  let proxy: FaultyProxy;
  let image: MadeImage;
  let home: string;
  let root: string;
  let base: string;
  let other: string;
  let diff: string;
  let blob: string;
  let digest: string;

  const run = (...args: string[]) => strata(args, { root, env: { HOME: home } });
  const output = ({ stdout, stderr, code }: Ran) => `${stdout}${stderr}[rc=${code}]\n`;

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), "strata-home-"));
    registry = await startRegistry();
    proxy = await startFaultyProxy(registry.host);
    image = await makeImage([{ "etc/motd": "hello\n" }]);
    base = `${proxy.host}/t/base`;
    other = `${proxy.host}/t/other`;
    digest = image.descriptor.digest;
    blob = shortDigest(image.layers[0]!.digest);
    diff = shortDigest((await import("../../src/oci/digest.ts")).digestOf(image.archives[0]!));
  });
  afterAll(async () => {
    await proxy.stop();
    await registry.stop();
    rmSync(home, { recursive: true, force: true });
  });
  beforeEach(() => {
    root = scratch();
  });
  const load = async (name: string) => {
    const loaded = await run("load", "-q", "-i", layoutOf(scratch(), image, name));
    expect(loaded.stderr).toBe("");
  };

  it("push: new, again, and mounted", async () => {
    await load(`${base}:1`);
    await load(`${other}:2`);
    const size = image.descriptor.size;
    expect(output(await run("push", `${base}:1`))).toBe(`The push refers to repository [${base}]
${diff}: Preparing
${diff}: Pushed
1: digest: ${digest} size: ${size}
[rc=0]
`);
    const before = proxy.log.length;
    expect(output(await run("push", `${base}:1`))).toBe(`The push refers to repository [${base}]
${diff}: Preparing
${diff}: Layer already exists
1: digest: ${digest} size: ${size}
[rc=0]
`);
    // Push of a present image uploads nothing.
    const requests = proxy.log.slice(before).map(({ method }) => method);
    expect(requests).toEqual(["GET", "HEAD", "HEAD", "HEAD"]);
    expect(output(await run("push", `${other}:2`))).toBe(`The push refers to repository [${other}]
${diff}: Preparing
${diff}: Mounted from t/base
2: digest: ${digest} size: ${size}
[rc=0]
`);
    expect((await run("images", "--digests", base)).stdout).toContain(digest);
    expect((await run("push", "-q", `${base}:1`)).stdout).toBe(`${base}:1\n`);
  });

  it("pull: new, again, missing, all tags, by digest, quiet", async () => {
    expect(output(await run("pull", `${base}:1`))).toBe(`1: Pulling from t/base
${blob}: Pulling fs layer
${blob}: Verifying Checksum
${blob}: Download complete
${blob}: Pull complete
Digest: ${digest}
Status: Downloaded newer image for ${base}:1
${base}:1
[rc=0]
`);
    const before = proxy.log.length;
    expect(output(await run("pull", `${base}:1`))).toBe(`1: Pulling from t/base
Digest: ${digest}
Status: Image is up to date for ${base}:1
${base}:1
[rc=0]
`);
    // Re-pull of an image whose layers are present asks for the manifest only.
    const asked = proxy.log.slice(before).map(({ method, url }) => `${method} ${url}`);
    expect(asked).toEqual(["GET /v2/", "HEAD /v2/t/base/manifests/1"]);
    expect(output(await run("pull", `${base}:nosuch`))).toBe(
      `Error response from daemon: manifest for ${base}:nosuch not found: manifest unknown: manifest unknown
[rc=1]
`,
    );
    const nosuch = `${proxy.host}/t/nosuch`;
    expect(output(await run("pull", nosuch))).toBe(`Using default tag: latest
Error response from daemon: manifest for ${nosuch}:latest not found: manifest unknown: manifest unknown
[rc=1]
`);
    expect(output(await run("pull", "-a", base))).toBe(`1: Pulling from t/base
Digest: ${digest}
Status: Image is up to date for ${base}
${base}
[rc=0]
`);
    const full = `${base}@${digest}`;
    expect(output(await run("pull", full))).toBe(`${full}: Pulling from t/base
Digest: ${digest}
Status: Image is up to date for ${full}
${full}
[rc=0]
`);
    root = scratch();
    expect(output(await run("pull", full))).toBe(`${full}: Pulling from t/base
${blob}: Pulling fs layer
${blob}: Verifying Checksum
${blob}: Download complete
${blob}: Pull complete
Digest: ${digest}
Status: Downloaded newer image for ${full}
${full}
[rc=0]
`);
    expect((await run("images", "--digests")).stdout).toMatch(
      new RegExp(`^REPOSITORY.*\\n${base} +<none> +${digest} +${shortDigest(image.id)} `),
    );
    expect(output(await run("pull", "-q", `${base}:1`))).toBe(`${base}:1\n[rc=0]\n`);
  });

  it("push: what is not there", async () => {
    expect(output(await run("push", `${proxy.host}/t/none`))).toBe(`Using default tag: latest
The push refers to repository [${proxy.host}/t/none]
An image does not exist locally with the tag: ${proxy.host}/t/none
[rc=1]
`);
    expect(output(await run("push", "-a", `${base}:1`))).toBe(
      "tag can't be used with --all-tags/-a\n[rc=1]\n",
    );
  });

  it("push: every tag", async () => {
    const repository = `${proxy.host}/t/all`;
    await load(`${repository}:a`);
    await load(`${repository}:b`);
    const { stdout, code } = await run("push", "-a", repository);
    expect(code).toBe(0);
    expect(stdout.match(/^[ab]: digest: /gm)).toEqual(["a: digest: ", "b: digest: "]);
    // The registry has them in no order.
    expect((await run("tags", repository)).stdout.split("\n").sort()).toEqual(["", "a", "b"]);
    expect((await run("search", `${proxy.host}/all`)).stdout).toMatch(
      new RegExp(`^NAME +DESCRIPTION +STARS +OFFICIAL +AUTOMATED\\n${repository} +0`),
    );
  });

  it("a layer that several images share is there already", async () => {
    const above = await makeImage([{ "etc/motd": "hello\n" }, { "etc/issue": "new\n" }]);
    const name = `${proxy.host}/t/above:1`;
    await run("load", "-q", "-i", layoutOf(scratch(), above, name));
    await run("push", "-q", name);
    root = scratch();
    await run("pull", "-q", `${base}:1`);
    const top = shortDigest(above.layers[1]!.digest);
    expect(output(await run("pull", name))).toBe(`1: Pulling from t/above
${blob}: Already exists
${top}: Pulling fs layer
${top}: Verifying Checksum
${top}: Download complete
${top}: Pull complete
Digest: ${above.descriptor.digest}
Status: Downloaded newer image for ${name}
${name}
[rc=0]
`);
  });

  it("pull on a terminal: a bar for each layer while its bytes move", async () => {
    const large = await makeImage([{ data: randomBytes(400_000) }]);
    const name = `${proxy.host}/t/large:1`;
    await run("load", "-q", "-i", layoutOf(scratch(), large, name));
    await run("push", "-q", name);
    root = scratch();
    proxy.decide = ({ method, url }) =>
      method === "GET" && url.includes(large.layers[0]!.digest)
        ? { kind: "throttle", direction: "down", pause: 20 }
        : undefined;
    const { stdout, code } = await strata(["pull", name], { root, env: { HOME: home }, terminal: true });
    proxy.decide = () => undefined;
    expect(code).toBe(0);
    const id = shortDigest(large.layers[0]!.digest);
    expect(stdout).toMatch(new RegExp(`${id}: Downloading \\[=+>? *\\] [0-9.]+kB/400kB`));
    expect(stdout).toMatch(new RegExp(`${id}: Pull complete [^]*\nDigest: ${large.descriptor.digest}\n`));
  });

  it("login and logout", async () => {
    const guarded = await startRegistry({ auth: "htpasswd" });
    try {
      const { host } = guarded;
      const file = join(home, ".docker/config.json");
      const login = await run("login", host, "-u", USER, "-p", PASSWORD);
      expect(login.stderr).toBe(`WARNING! Using --password via the CLI is insecure. Use --password-stdin.
WARNING! Your password will be stored unencrypted in ${file}.
Configure a credential helper to remove this warning. See
https://docs.docker.com/engine/reference/commandline/login/#credentials-store

`);
      expect(login.stdout).toBe("Login Succeeded\n");
      const auth = Buffer.from(`${USER}:${PASSWORD}`).toString("base64");
      expect(readFileSync(file, "utf8")).toBe(`{
	"auths": {
		"${host}": {
			"auth": "${auth}"
		}
	}
}`);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      await load(`${host}/t/base:1`);
      expect((await run("push", "-q", `${host}/t/base:1`)).code).toBe(0);
      for (let i = 0; i < 2; i++) {
        expect(output(await run("logout", host))).toBe(`Removing login credentials for ${host}\n[rc=0]\n`);
      }
      expect(readFileSync(file, "utf8")).toBe('{\n\t"auths": {}\n}');
      const refused = await run("pull", `${host}/t/base:1`);
      expect(output(refused)).toContain("no basic auth credentials");
      const wrong = await strata(["login", host, "-u", USER, "--password-stdin"], {
        root,
        env: { HOME: home },
        stdin: Buffer.from("wrong\n"),
      });
      expect(output(wrong)).toBe(
        `Error response from daemon: login attempt to http://${host}/v2/ failed with status: 401 Unauthorized\n[rc=1]\n`,
      );
      expect(readFileSync(file, "utf8")).toBe('{\n\t"auths": {}\n}');
    } finally {
      await guarded.stop();
    }
  });
});
