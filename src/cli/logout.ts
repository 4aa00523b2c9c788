/**
 * `strata logout`: forgets the credentials for a registry.
 */
import type { Command } from "commander";
import type { Context } from "./context.ts";
import { checkArguments } from "./help.ts";
import { registryFailure } from "./registry-options.ts";

const HUB = "docker.io";

export function define(command: Command, context: Context): void {
  command
    .usage("[SERVER]")
    .argument("[args...]")
    .addHelpText("after", "\nWithout SERVER, the registry is Docker Hub.\n")
    .action(async (args: readonly string[]) => {
      checkArguments(command, args.length, 0, 1);
      const [{ endpointOf, registryDomain }, { logout }] = await Promise.all([
        import("../registry/endpoint.ts"),
        import("../registry/login.ts"),
      ]);
      const domain = registryDomain(args[0] ?? HUB);
      await context.print(`Removing login credentials for ${endpointOf(domain, false).credentialKey}`);
      try {
        await logout(domain, { env: context.terminal.env });
      } catch (error) {
        throw registryFailure(error);
      }
    });
}
