/**
 * One sequence on both filesystems, and where they part.
 */
import { type DifferenceName, differenceOf } from "../../vfs/differences.ts";
import { grounds } from "../../vfs/ground.ts";
import { play } from "./play.ts";
import { literal, type Step } from "./step.ts";

export interface Divergence {
  /** The number of the step from 0, or the tree after all of them. */
  readonly at: number | "tree";
  /** What is wrong, without names and numbers: divergences of one kind have one cause. */
  readonly kind: string;
  readonly node: string;
  readonly ours: string;
}

export interface Judgement {
  readonly divergence: Divergence | undefined;
  readonly differences: readonly DifferenceName[];
  /** Steps that neither refused. */
  readonly succeeded: number;
}

/** How a step is made, for the kind of a divergence. */
function nameOf(step: Step): string {
  return step.on === "fs" ? `${step.name} (${step.form})` : `${step.on} ${step.name}`;
}

export async function judge(steps: readonly Step[]): Promise<Judgement> {
  const { real, ours, end } = grounds(() => {});
  try {
    const [node, mount] = [await play(real, steps), await play(ours, steps)];
    const differences: DifferenceName[] = [];
    let succeeded = 0;
    for (const [at, step] of steps.entries()) {
      const [expected, actual] = [node.outcomes[at]!, mount.outcomes[at]!];
      if (expected.error === undefined) succeeded += 1;
      const times = [node.touched[at]!, mount.touched[at]!].map((names) => literal(names));
      if (times[0] !== times[1]) {
        const divergence = {
          at,
          kind: `${nameOf(step)}: whose time it sets`,
          node: times[0]!,
          ours: times[1]!,
        };
        return { divergence, differences, succeeded };
      }
      const told = [literal(expected), literal(actual)] as const;
      if (told[0] === told[1]) continue;
      const args = step.args.map((arg) =>
        arg.kind === "descriptor" ? 0 : arg.kind === "value" ? arg.value : arg,
      );
      const isSync = step.on === "use" && step.name === "copyTree" && args[0] === true;
      const form = step.on === "fs" ? step.form : isSync ? "sync" : "promise";
      const name = step.name === "copyTree" ? "cp" : step.name;
      const strict = step.on !== "use" && step.odd !== true;
      const difference = differenceOf({ name, form, args, node: expected, ours: actual }, strict);
      if (difference === undefined) {
        const codes = [expected, actual].map(({ error }) => String(error?.code ?? "no error"));
        const what = codes[0] === codes[1] ? `${codes[0]}, told in another way` : codes.join(" / ");
        const divergence = { at, kind: `${nameOf(step)}: ${what}`, node: told[0], ours: told[1] };
        return { divergence, differences, succeeded };
      }
      differences.push(difference);
    }
    const [expected, actual] = [node.tree, mount.tree];
    const divergence =
      expected.join("\n") === actual.join("\n")
        ? undefined
        : {
            at: "tree" as const,
            kind: "tree",
            node: expected.filter((line) => !actual.includes(line)).join(" | "),
            ours: actual.filter((line) => !expected.includes(line)).join(" | "),
          };
    return { divergence, differences, succeeded };
  } finally {
    end();
  }
}
