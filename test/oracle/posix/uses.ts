/**
 * What programs do with several functions at once: streams, iterations, copies. Each is self-contained
 * JavaScript over nothing but its arguments, since a divergence is printed with the text of what it used.
 */
import type { Fs } from "../../vfs/ground.ts";
import type { UseName } from "./step.ts";

export type Use = (fs: Fs, ...args: never[]) => Promise<unknown>;

export const uses: { readonly [name in UseName]: Use } = {
  async readStream(fs: Fs, path: string, options: object) {
    const stream = fs.createReadStream(path, options);
    let text = "";
    for await (const chunk of stream) text += Buffer.from(chunk as Uint8Array).toString("latin1");
    return [text, stream.bytesRead];
  },
  async writeStream(fs: Fs, path: string, options: object, pieces: readonly string[]) {
    const stream = fs.createWriteStream(path, options);
    await new Promise<void>((resolve, reject) => {
      stream.on("error", reject).on("close", resolve);
      for (const piece of pieces) stream.write(piece);
      stream.end();
    });
    return stream.bytesWritten;
  },
  async entries(fs: Fs, path: string) {
    const names: string[] = [];
    for await (const entry of await fs.promises.opendir(path)) {
      names.push(`${entry.name} ${entry.isDirectory()} ${entry.isSymbolicLink()}`);
    }
    return names.sort();
  },
  /**
   * Not where the target lies in the source by way of a link: Node copies until a path is too long. Which
   * entry of a tree fails first, and so what is copied by then, is up to the filesystem.
   */
  async copyTree(fs: Fs, sync: boolean, from: string, to: string, options: object) {
    const real = (path: string) => {
      try {
        return fs.realpathSync(path);
      } catch {
        return undefined;
      }
    };
    const source = real(from);
    const parts = to.split("/");
    while (parts.length > 1) {
      const above = real(parts.join("/"));
      if (above !== undefined && source !== undefined && `${above}/`.startsWith(`${source}/`))
        return "left out";
      parts.pop();
    }
    try {
      if (sync) fs.cpSync(from, to, options);
      else await fs.promises.cp(from, to, options);
    } catch (error) {
      if (!("recursive" in options)) throw error;
      fs.rmSync(to, { recursive: true, force: true });
      return "failed";
    }
    return undefined;
  },
  async writePieces(fs: Fs, path: string, pieces: readonly string[], options: object) {
    const later = async function* () {
      for (const piece of pieces) {
        await new Promise((resolve) => setImmediate(resolve));
        yield piece;
      }
    };
    return fs.promises.writeFile(path, later(), options);
  },
  async lines(fs: Fs, path: string) {
    const handle = await fs.promises.open(path);
    const lines: string[] = [];
    for await (const line of handle.readLines()) lines.push(line);
    return lines;
  },
};
