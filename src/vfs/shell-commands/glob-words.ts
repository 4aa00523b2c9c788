/** Shell patterns, as fnmatch(3) matches a whole string. */

/** @param slash whether `*` and `?` match a slash too */
export function globExpression(pattern: string, ignoreCase: boolean, slash: boolean): RegExp {
  const any = slash ? "[^]" : "[^/]";
  let source = "";
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i]!;
    if (character === "*") source += `${any}*`;
    else if (character === "?") source += any;
    else if (character === "\\" && i + 1 < pattern.length) source += escaped(pattern[++i]!);
    else if (character === "[") {
      const set = /^\[([!^]?)(\]?(?:\[:\w+:\]|[^\]])*)\]/.exec(pattern.slice(i));
      if (set === null) {
        source += "\\[";
        continue;
      }
      const inside = set[2]!
        .replace(/\[:(\w+):\]/g, (_, name: string) => CLASSES[name] ?? "")
        .replace(/[\\\]]/g, "\\$&");
      source += `[${set[1] === "" ? "" : "^"}${inside}]`;
      i += set[0].length - 1;
    } else source += escaped(character);
  }
  return new RegExp(`^${source}$`, ignoreCase ? "i" : "");
}

const CLASSES: Readonly<Record<string, string>> = {
  alpha: "a-zA-Z",
  digit: "0-9",
  alnum: "a-zA-Z0-9",
  upper: "A-Z",
  lower: "a-z",
  space: " \t\n\r\f\v",
  xdigit: "0-9a-fA-F",
};

function escaped(character: string): string {
  return character.replace(/[.*+?^${}()|[\]\\/]/, "\\$&");
}
