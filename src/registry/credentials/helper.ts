/**
 * Credential helpers: programs named `docker-credential-X` that keep secrets elsewhere (REGISTRY 4.1.6).
 *
 * A verb is the argument, its subject goes to standard input, the answer comes from standard output.
 */
import { spawn } from "node:child_process";
import * as v from "valibot";
import { parseJson, validate } from "../../oci/json.ts";
import { RegistryError } from "../errors.ts";
import type { Environment } from "../proxy.ts";

const MAX_OUTPUT = 1024 * 1024;
/** How long a program may take: it may ask its user, in milliseconds. */
const PATIENCE = 120_000;
const NOT_FOUND = "credentials not found in native keychain";
const IDENTITY_USER = "<token>";

const answerSchema = v.looseObject({ Username: v.string(), Secret: v.string() });

interface Outcome {
  readonly code: number | null;
  readonly output: Buffer;
}

function runHelper(program: string, verb: string, input: string, env: Environment): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [verb], {
      env: { ...env },
      stdio: ["pipe", "pipe", "ignore"],
      timeout: PATIENCE,
    });
    const chunks: Buffer[] = [];
    let size = 0;
    child.on("error", reject);
    child.stdout.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_OUTPUT) child.kill();
      else chunks.push(chunk);
    });
    // A helper may end without reading.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    child.on("close", (code) => resolve({ code, output: Buffer.concat(chunks) }));
  });
}

async function ask(name: string, verb: string, input: string, env: Environment): Promise<Outcome> {
  const program = `docker-credential-${name}`;
  // The name comes from a file and must not lead to a program elsewhere.
  if (name.includes("/")) {
    throw new RegistryError("credentials", `${JSON.stringify(name)} is no name of a credential helper`);
  }
  try {
    return await runHelper(program, verb, input, env);
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    const why = missing ? "not found in PATH" : (cause as Error).message;
    throw new RegistryError("credentials", `the credential helper ${program}: ${why}`, { cause });
  }
}

function failure(name: string, verb: string, { output }: Outcome): RegistryError {
  const words = output.toString("utf8").trim().slice(0, 200);
  return new RegistryError(
    "credentials",
    `docker-credential-${name} ${verb} failed: ${words || "no message"}`,
  );
}

export interface HelperSecret {
  readonly username: string;
  readonly secret: string;
  /** The secret is an identity token and not a password. */
  readonly isToken: boolean;
}

/** What a helper has for a server; undefined for nothing. @throws RegistryError (`credentials`) */
export async function helperGet(
  name: string,
  server: string,
  env: Environment,
): Promise<HelperSecret | undefined> {
  const outcome = await ask(name, "get", server, env);
  if (outcome.code !== 0) {
    if (outcome.output.toString("utf8").includes(NOT_FOUND)) return undefined;
    throw failure(name, "get", outcome);
  }
  const what = `the answer of docker-credential-${name}`;
  const { Username, Secret } = validate(answerSchema, parseJson(outcome.output, what), what);
  if (Secret === "") return undefined;
  return { username: Username, secret: Secret, isToken: Username === IDENTITY_USER };
}

/** Gives a helper a secret to keep. */
export async function helperStore(
  name: string,
  server: string,
  { username, secret, isToken }: HelperSecret,
  env: Environment,
): Promise<void> {
  const document = { ServerURL: server, Username: isToken ? IDENTITY_USER : username, Secret: secret };
  const outcome = await ask(name, "store", JSON.stringify(document), env);
  if (outcome.code !== 0) throw failure(name, "store", outcome);
}

/** Makes a helper forget a server; nothing to forget is no error. */
export async function helperErase(name: string, server: string, env: Environment): Promise<void> {
  const outcome = await ask(name, "erase", server, env);
  if (outcome.code !== 0 && !outcome.output.toString("utf8").includes(NOT_FOUND)) {
    throw failure(name, "erase", outcome);
  }
}
