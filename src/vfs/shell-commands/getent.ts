/** `getent passwd`, `getent group` and the like, from the files of the image. */
import { CommandError, type Process } from "../shell/process.ts";
import { records } from "./accounts.ts";

const FILES: Readonly<Record<string, string>> = {
  passwd: "/etc/passwd",
  group: "/etc/group",
  shadow: "/etc/shadow",
  gshadow: "/etc/gshadow",
};

export function getent(process: Process): number {
  const [database = "", ...keys] = process.args;
  const file = FILES[database];
  if (file === undefined) throw new CommandError(`Unknown database: ${database}`);
  const lines = records(process.mount, file);
  let status = 0;
  const wanted =
    keys.length === 0
      ? lines
      : keys.flatMap((key) => {
          const found =
            lines.find((fields) => fields[0] === key) ?? lines.find((fields) => fields[2] === key);
          if (found === undefined) status = 2;
          return found === undefined ? [] : [found];
        });
  for (const fields of wanted) process.write(`${fields.join(":")}\n`);
  return status;
}
