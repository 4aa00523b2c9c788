/**
 * Debian's docker-registry, started for a test on a free loopback port: plain, with passwords, with TLS, or
 * behind a token server of ours. It keeps its blobs in a directory of its own and ends with the test.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface RegistryOptions {
  /** `secret` is the password of `user`. */
  readonly auth?: "none" | "htpasswd" | "token";
  /** The realm of a token server, with the certificate that its tokens are checked by. */
  readonly realm?: { readonly url: string; readonly certificate: string };
  readonly tls?: Certificate;
}

export interface TestRegistry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly port: number;
  readonly directory: string;
  stop(): Promise<void>;
}

export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

export const USER = "user";
export const PASSWORD = "secret";
export const SERVICE = "test-registry";
export const ISSUER = "test-issuer";

/** The password `secret` by bcrypt, the only way that docker-registry reads. */
const HTPASSWD = "user:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n";

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** A certificate of its own for this machine. */
export function makeCertificate(directory: string, name = "localhost"): Certificate {
  const certificate = join(directory, `${name}.crt`);
  const key = join(directory, `${name}.key`);
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-days", "2", "-subj", `/CN=${name}`, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
      ...["-keyout", key, "-out", certificate],
    ],
    { stdio: "ignore" },
  );
  return { certificate, key };
}

function configuration(directory: string, port: number, options: RegistryOptions): object {
  const { auth = "none", realm, tls } = options;
  const ways = {
    none: {},
    htpasswd: { auth: { htpasswd: { realm: "test", path: join(directory, "htpasswd") } } },
    token: {
      auth: {
        token: { realm: realm?.url, service: SERVICE, issuer: ISSUER, rootcertbundle: realm?.certificate },
      },
    },
  };
  return {
    version: "0.1",
    log: { level: "error", accesslog: { disabled: true } },
    // Addresses of layers that may not be distributed: refused unless allowed.
    validation: { manifests: { urls: { allow: [".*"] } } },
    storage: { filesystem: { rootdirectory: join(directory, "data") }, delete: { enabled: true } },
    http: {
      addr: `127.0.0.1:${port}`,
      secret: "a secret of the test",
      ...(tls === undefined ? {} : { tls: { certificate: tls.certificate, key: tls.key } }),
    },
    ...ways[auth],
  };
}

/** Waits until something listens on a port, or the process ended. */
async function listening(port: number, child: ChildProcess): Promise<boolean> {
  const { connect } = await import("node:net");
  while (child.exitCode === null) {
    const socket = connect(port, "127.0.0.1");
    const open = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
    });
    socket.destroy();
    if (open) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

/** Starts a registry. Stop it in a hook, or use it as a resource. */
export async function startRegistry(options: RegistryOptions = {}): Promise<TestRegistry> {
  const directory = mkdtempSync(join(tmpdir(), "strata-registry-"));
  mkdirSync(join(directory, "data"));
  writeFileSync(join(directory, "htpasswd"), HTPASSWD);
  for (let attempt = 0; attempt < 5; attempt++) {
    const port = await freePort();
    const file = join(directory, "config.json");
    // YAML is a superset of JSON.
    writeFileSync(file, JSON.stringify(configuration(directory, port, options)));
    const child = spawn("docker-registry", ["serve", file], {
      stdio: ["ignore", "ignore", process.env.REGISTRY_LOG ? "inherit" : "ignore"],
      env: { ...process.env, OTEL_TRACES_EXPORTER: "none" },
    });
    if (!(await listening(port, child))) continue;
    return {
      host: `127.0.0.1:${port}`,
      port,
      directory,
      async stop() {
        const ended = once(child, "exit");
        child.kill("SIGKILL");
        await ended;
        rmSync(directory, { recursive: true, force: true });
      },
    };
  }
  throw new Error("docker-registry does not start");
}
