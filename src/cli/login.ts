/**
 * `strata login`: credentials for a registry, checked and kept.
 */
import type { Command } from "commander";
import type { Context } from "./context.ts";
import { Failure } from "./failure.ts";
import { checkArguments } from "./help.ts";
import { readLine, readPassword } from "./prompt.ts";
import {
  addRegistryFlags,
  type RegistryFlags,
  registryFailure,
  registryOptions,
} from "./registry-options.ts";

interface Options extends RegistryFlags {
  readonly username?: string;
  readonly password?: string;
  readonly passwordStdin?: true;
}

const HUB = "docker.io";
const MAX_PASSWORD = 1024 * 1024;

const HELP = `
Without SERVER, the registry is Docker Hub. Credentials are kept in $REGISTRY_AUTH_FILE, else in
config.json of $DOCKER_CONFIG or ~/.docker, or by the credential helper that it names.

Examples:
  strata login -u me --password-stdin localhost:5000 < password
`;

async function allOf(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk as Uint8Array);
    size += bytes.length;
    if (size > MAX_PASSWORD) throw new Failure("the password on standard input is too long");
    chunks.push(bytes);
  }
  return Buffer.concat(chunks)
    .toString("utf8")
    .replace(/\r?\n$/, "");
}

async function credentials(
  context: Context,
  options: Options,
): Promise<{ username: string; password: string }> {
  const { stdin } = context.terminal;
  if (options.passwordStdin) {
    if (options.password !== undefined) {
      throw new Failure("--password and --password-stdin are mutually exclusive");
    }
    if (options.username === undefined) throw new Failure("Must provide --username with --password-stdin");
    return { username: options.username, password: await allOf(stdin) };
  }
  if (options.password !== undefined) {
    context.complain("WARNING! Using --password via the CLI is insecure. Use --password-stdin.");
  } else if (!stdin.isTTY) {
    throw new Failure("Error: Cannot perform an interactive login from a non TTY device");
  }
  const username = options.username ?? (await readLine(context, "Username: "));
  return { username, password: options.password ?? (await readPassword(context, "Password: ")) };
}

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] [SERVER]")
    .option("-p, --password <password>", "Password")
    .option("--password-stdin", "Take the password from standard input")
    .option("-u, --username <name>", "User name")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 0, 1);
      const [{ registryDomain }, { login }] = await Promise.all([
        import("../registry/endpoint.ts"),
        import("../registry/login.ts"),
      ]);
      const { username, password } = await credentials(context, options);
      if (username === "") throw new Failure("Error: Non-null Username Required");
      if (password === "") throw new Failure("Error: Password Required");
      const domain = registryDomain(args[0] ?? HUB);
      try {
        const file = await login(domain, username, password, registryOptions(context, options));
        if (file !== undefined) context.complain(unencrypted(file));
      } catch (error) {
        throw registryFailure(error);
      }
      await context.print("Login Succeeded");
    });
  addRegistryFlags(command);
}

function unencrypted(file: string): string {
  return `WARNING! Your password will be stored unencrypted in ${file}.
Configure a credential helper to remove this warning. See
https://docs.docker.com/engine/reference/commandline/login/#credentials-store
`;
}
