#!/usr/bin/env node
/**
 * Keeps the direction of imports: each folder of `src` imports only what the table below allows, the
 * engine reaches `node:` modules only through `#platform`, and a browser bundle of the engine has no
 * `node:` module in it. Type-only imports, `import()`, re-exports and `new URL(…, import.meta.url)`
 * count. Usage: `node scripts/check-imports.mjs [DIRECTORY]`, where DIRECTORY holds `src` (default:
 * the repository). Prints every violation and exits with 1 if there is one.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { parseAst } from "rolldown/parseAst";

const ENGINE = ["posix", "tree", "tar", "layer", "union"];
const BELOW_STORE = [...ENGINE, "oci", "vfs", "build/dockerfile"];
const RUNTIME = [...ENGINE, "oci", "vfs", "store", "registry", "runtime"];

/** What a folder may import beside itself and `platform`: folders, or single modules of one. */
const ALLOWED = {
  platform: ["posix"],
  posix: [],
  tree: ["posix"],
  tar: ["posix", "tree"],
  oci: ["posix"],
  layer: ["posix", "tree", "tar", "oci/digest"],
  union: ["posix", "tree"],
  vfs: ["posix", "tree", "tar", "union"],
  store: ["posix", "oci", "tree", "tar", "layer"],
  registry: ["posix", "oci", "store"],
  // The language of Dockerfiles is below the runtime, whose `commit --change` takes instructions.
  "build/dockerfile": ["posix", "oci"],
  runtime: [...RUNTIME, "build/dockerfile"],
  build: [...RUNTIME, "build"],
  cli: [...RUNTIME, "build"],
};

/** Every module specifier in a syntax tree, with where it stands. */
function* specifiers(node) {
  if (Array.isArray(node)) {
    for (const child of node) yield* specifiers(child);
    return;
  }
  if (node === null || typeof node !== "object") return;
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportAllDeclaration":
    case "ExportNamedDeclaration":
    case "ImportExpression":
    case "TSImportType":
    case "TSExternalModuleReference": {
      const source = node.source ?? node.expression;
      if (source) yield { text: source.type === "Literal" ? source.value : undefined, start: node.start };
      break;
    }
    case "NewExpression":
      if (node.callee.name === "URL" && node.arguments[1]?.object?.type === "MetaProperty") {
        const [first] = node.arguments;
        yield { text: first.type === "Literal" ? first.value : undefined, start: node.start };
      }
      break;
  }
  for (const value of Object.values(node)) yield* specifiers(value);
}

/**
 * The folder of a module of `src`, or undefined for a module directly in it. A folder within another one
 * counts for itself where it has a line of its own in the table.
 */
function folderOf(path) {
  const inner = path.split("/").slice(0, 2).join("/");
  if (inner in ALLOWED) return inner;
  const slash = path.indexOf("/");
  return slash < 0 ? undefined : path.slice(0, slash);
}

function isAllowed(folder, target) {
  return [folder, "platform", ...ALLOWED[folder]].some(
    (prefix) => target.startsWith(`${prefix}/`) || target === `${prefix}.ts`,
  );
}

/** Why one import is not allowed, or undefined. Paths are relative to `src`. */
function violation(from, specifier) {
  if (specifier === undefined)
    return "names its module by an expression, which no check or bundler can follow";
  const folder = folderOf(from);
  const quoted = JSON.stringify(specifier);
  if (isBuiltin(specifier)) {
    return BELOW_STORE.includes(folder)
      ? `imports ${quoted}: below store, Node is reached only through #platform`
      : undefined;
  }
  if (specifier === "#platform") return undefined;
  if (specifier === "stratafs" || specifier.startsWith("stratafs/")) {
    return `imports ${quoted}: import the module itself`;
  }
  if (!specifier.startsWith(".")) return undefined;
  const target = join(dirname(from), specifier);
  if (target.startsWith("..")) {
    return target === "../package.json" ? undefined : `imports ${quoted}, which lies outside src`;
  }
  if (!target.endsWith(".ts")) return `imports ${quoted}: a relative import names the .ts file`;
  if (folder === undefined) return undefined;
  if (target === "index.ts")
    return `imports ${quoted}: the public face is for users; import the module itself`;
  if (BELOW_STORE.includes(folder) && /^platform\/(node|browser)\.ts$/.test(target)) {
    return `imports ${quoted}: below store, the platform is #platform`;
  }
  if (isAllowed(folder, target)) return undefined;
  const may = ALLOWED[folder].length > 0 ? ALLOWED[folder].join(", ") : "nothing but platform";
  return `imports ${quoted}: ${folder} may import ${may}`;
}

function checkModule(path, text) {
  const program = parseAst(text, { lang: "ts" }, path);
  const found = [];
  const report = (start, message) => {
    found.push(`src/${path}:${text.slice(0, start).split("\n").length} ${message}`);
  };
  for (const { text: specifier, start } of specifiers(program.body)) {
    const message = violation(path, specifier);
    if (message !== undefined) report(start, message);
  }
  if (path === "index.ts" || path === "browser.ts") {
    for (const statement of program.body) {
      if (!statement.type.startsWith("Export") || !statement.source) {
        report(statement.start, "is a public face: re-exports only");
      }
    }
  }
  const folder = folderOf(path);
  if (folder !== undefined && !(folder in ALLOWED)) report(0, `is in a folder that the map does not have`);
  return found;
}

/** Bundles every module of the engine as a browser would get it, and reports each `node:` module met. */
async function checkBrowserBundle(root, modules) {
  const entry = "\0engine";
  const found = new Set();
  const bundle = await rolldown({
    input: entry,
    cwd: root,
    platform: "browser",
    treeshake: false,
    resolve: { conditionNames: ["browser", "import", "module", "default"] },
    onLog: () => {},
    plugins: [
      {
        name: "engine",
        resolveId(source, importer) {
          if (source === entry) return entry;
          if (source === "#platform") return join(root, "src/platform/browser.ts");
          // What the package's browser field says of the built module.
          if (source.endsWith("/platform/node-builtins.ts")) {
            return join(root, "src/platform/browser-builtins.ts");
          }
          if (!isBuiltin(source)) return null;
          found.add(
            `${relative(root, importer ?? "")} imports ${JSON.stringify(source)} in a browser bundle of the engine`,
          );
          return { id: source, external: true };
        },
        load(id) {
          if (id !== entry) return null;
          return modules.map((path) => `import ${JSON.stringify(join(root, "src", path))};`).join("\n");
        },
      },
    ],
  });
  await bundle.generate({ format: "esm", codeSplitting: false });
  await bundle.close();
  return [...found];
}

const root = resolve(process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url)));
const modules = readdirSync(join(root, "src"), { recursive: true })
  .filter((path) => path.endsWith(".ts"))
  .sort();
const problems = modules.flatMap((path) => checkModule(path, readFileSync(join(root, "src", path), "utf8")));
if (problems.length === 0 && existsSync(join(root, "src/platform/browser.ts"))) {
  const engine = modules.filter((path) => path === "browser.ts" || ENGINE.includes(folderOf(path)));
  problems.push(...(await checkBrowserBundle(root, engine)));
}
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(`imports: ${modules.length} modules, ${problems.length} violations\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
