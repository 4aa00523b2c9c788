/**
 * Asking the user on a terminal.
 */
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import type { Context } from "./context.ts";

function ask(context: Context, output: NodeJS.WritableStream, question: string): Promise<string> {
  const lines = createInterface({ input: context.terminal.stdin, output, terminal: true });
  return new Promise((resolve) => {
    let answer = "";
    lines.question(question, (text) => {
      answer = text;
      lines.close();
    });
    lines.on("close", () => resolve(answer));
  });
}

/** A line that the user types. */
export async function readLine(context: Context, question: string): Promise<string> {
  return (await ask(context, context.terminal.stdout, question)).trim();
}

/** A line that is not shown while it is typed. */
export async function readPassword(context: Context, question: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  await context.write(question);
  const answer = await ask(context, silent, "");
  await context.write("\n");
  return answer;
}
