/**
 * A sequence as a program: it makes the calls on `node:fs` in a temporary directory and on a mount, and
 * prints what each gives. It runs in the repository once that is built: `node --input-type=module`.
 */
import { type Arg, literal, SLOTS, type Step } from "./step.ts";
import { uses } from "./uses.ts";

function argument(arg: Arg): string {
  switch (arg.kind) {
    case "path": {
      const path = `root + ${JSON.stringify(`/${arg.path}`)}`;
      if (arg.as === "string") return path;
      return arg.as === "buffer" ? `Buffer.from(${path})` : `pathToFileURL(${path})`;
    }
    case "descriptor":
      return `fd[${arg.slot}]`;
    case "bytes":
      return `Buffer.from(${JSON.stringify(arg.text)})`;
    case "space":
      return `Buffer.alloc(${arg.length})`;
    case "date":
      return `new Date(${arg.ms})`;
    case "value":
      return literal(arg.value);
  }
}

function statement(step: Step): string {
  const args = step.args.map(argument);
  if (step.on === "use") return `${step.name}(${["fs", ...args].join(", ")})`;
  if (step.on === "handle") return `handle[${step.slot}]?.${step.name}(${args.join(", ")})`;
  const call =
    step.form === "sync"
      ? `fs.${step.name}Sync(${args.join(", ")})`
      : step.form === "promise"
        ? `fs.promises.${step.name}(${args.join(", ")})`
        : `new Promise((done) => fs.${step.name}(${[...args, "(...results) => done(results)"].join(", ")}))`;
  if (step.into === undefined) return call;
  if (step.form === "callback")
    return `${call}.then(([error, opened]) => (error ? Promise.reject(error) : (fd[${step.into}] = opened)))`;
  return step.form === "promise"
    ? `${call}.then((opened) => (handle[${step.into}] = opened))`
    : `(fd[${step.into}] = ${call})`;
}

export function program(steps: readonly Step[], notes: readonly string[]): string {
  const used = new Set(steps.flatMap((step) => (step.on === "use" ? [step.name] : [])));
  const functions = [...used].map((name) => `const ${name} = ${asFunction(String(uses[name]), name)};`);
  return `${notes.map((note) => `// ${note.replaceAll("\n", "\n// ")}`).join("\n")}
import nodeFs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { applyLayers, createFs, createMount } from "stratafs";
${functions.join("\n")}
const root = nodeFs.mkdtempSync(join(tmpdir(), "divergence-"));
const ours = createFs(createMount(applyLayers([])));
ours.mkdirSync(root, { recursive: true });
process.on("uncaughtException", (error) => console.log("uncaught", error));
async function play(fs) {
  const fd = Array(${SLOTS}).fill(99999);
  const handle = [];
  const step = async (text, call) => {
    try {
      console.log(text, "=>", await call());
    } catch (error) {
      console.log(text, "=>", error.message, error);
    }
  };
${steps.map((step) => `  await step(${JSON.stringify(statement(step))}, () => ${statement(step)});`).join("\n")}
  for (const name of fs.readdirSync(root, { recursive: true }).sort()) {
    const { mode, nlink, size, mtimeMs } = fs.lstatSync(join(root, name));
    console.log(mode.toString(8), nlink, size, mtimeMs, name);
  }
}
console.log("--- node:fs");
await play(nodeFs);
console.log("--- mount");
await play(ours);
nodeFs.rmSync(root, { recursive: true });
`;
}

/** The text of a method as that of a function. */
function asFunction(text: string, name: string): string {
  return text.startsWith(`async ${name}(`) ? text.replace(`async ${name}(`, "async function (") : text;
}
