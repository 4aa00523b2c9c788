/** `find`: walks trees in the order of names and applies the expression of `find-tests.ts`. */
import type { Stat } from "../../union/types.ts";
import type { Process } from "../shell/process.ts";
import { reasonOf } from "../shell/strerror.ts";
import { type Expression, type Found, parseExpression, type Search } from "./find-tests.ts";
import { below, isDirectory, maybeStat, namesIn } from "./walk.ts";

export async function find(process: Process): Promise<number> {
  const words = [...process.args];
  let follow: "P" | "H" | "L" = "P";
  while (/^-[PHL]$/.test(words[0] ?? "")) follow = words.shift()![1] as "P" | "H" | "L";
  const count = words.findIndex((word) => /^[-(!,]/.test(word));
  const starts = words.splice(0, count < 0 ? words.length : count);
  const expression = parseExpression(process, words);
  const search: Search = { process, pruned: false, quit: false, status: 0 };
  for (const start of starts.length === 0 ? ["."] : starts) {
    const stat = lookUp(process, search, start, follow !== "P");
    if (stat !== undefined)
      await visit(search, expression, { path: start, start, depth: 0, stat }, stat.dev, follow === "L");
    if (search.quit) break;
  }
  await expression.finish(search);
  return search.status;
}

function lookUp(
  { mount, complain }: Process,
  search: Search,
  path: string,
  follow: boolean,
): Stat | undefined {
  try {
    return (follow ? maybeStat(mount, path) : undefined) ?? mount.lstat(path);
  } catch (error) {
    complain(`'${path}': ${reasonOf(error)}`);
    search.status = 1;
    return undefined;
  }
}

async function visit(
  search: Search,
  expression: Expression,
  found: Found,
  device: number,
  follow: boolean,
): Promise<void> {
  const { process } = search;
  const { path, start, depth, stat } = found;
  const judge = async () => {
    search.pruned = false;
    if (depth >= expression.minDepth) await expression.test(found, search);
  };
  if (!expression.depthFirst) await judge();
  const enters = !search.pruned || expression.depthFirst;
  if (
    !search.quit &&
    enters &&
    isDirectory(stat) &&
    depth < expression.maxDepth &&
    (!expression.sameDevice || stat.dev === device)
  ) {
    let names: string[] = [];
    try {
      names = namesIn(process.mount, path);
    } catch (error) {
      // What the expression itself removed is no error.
      if (maybeStat(process.mount, path) !== undefined) {
        process.complain(`'${path}': ${reasonOf(error)}`);
        search.status = 1;
      }
    }
    for (const name of names) {
      const child = below(path, name);
      const told = lookUp(process, search, child, follow);
      if (told !== undefined)
        await visit(search, expression, { path: child, start, depth: depth + 1, stat: told }, device, follow);
      if (search.quit) return;
    }
  }
  if (expression.depthFirst) await judge();
}
