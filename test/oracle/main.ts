/**
 * `npm run oracle -- [--posix] [--sequences N] [--seed S] [--keep-going]`: random sequences of calls
 * against kernel overlayfs, or, with `--posix`, of `node:fs` calls against a temporary directory, which
 * needs no root. Ends at the first divergence, or at the end with one of each kind.
 */
import { parseArgs } from "node:util";
import { describePosix, runPosix } from "./posix/run.ts";
import { describeReport, runOracle } from "./run.ts";

const { values } = parseArgs({
  options: {
    sequences: { type: "string" },
    seed: { type: "string" },
    "keep-going": { type: "boolean" },
    posix: { type: "boolean" },
  },
});
const sequences = Number(values.sequences ?? 5000);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));

if (values.posix !== true && (process.platform !== "linux" || process.getuid?.() !== 0)) {
  process.stderr.write("the kernel oracle needs Linux and root: it mounts overlayfs\n");
  process.exit(1);
}
process.stdout.write(`${sequences} sequences from seed ${seed}\n`);
const start = performance.now();
let shown = start;
const options = {
  sequences,
  seed,
  keepGoing: values["keep-going"] === true,
  progress(done: number) {
    if (performance.now() - shown < 10_000) return;
    shown = performance.now();
    process.stdout.write(`${done} done, ${((done / (shown - start)) * 1000).toFixed(0)} a second\n`);
  },
};
const posix = values.posix === true ? await runPosix(options) : undefined;
const kernel = posix === undefined ? await runOracle(options) : undefined;
const report = posix ?? kernel!;
const seconds = (performance.now() - start) / 1000;
process.stdout.write(`${posix === undefined ? describeReport(kernel!) : describePosix(posix)}\n`);
process.stdout.write(
  `${seconds.toFixed(1)} s, ${(report.sequences / seconds).toFixed(0)} sequences a second\n`,
);
process.exitCode = report.failures.length === 0 ? 0 : 1;
