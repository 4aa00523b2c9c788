/**
 * Which words of which instruction are expanded (5.2): those of ADD, COPY, ENV, EXPOSE, FROM, LABEL,
 * STOPSIGNAL, USER, VOLUME and WORKDIR. RUN, CMD, ENTRYPOINT, HEALTHCHECK, SHELL, MAINTAINER and ONBUILD stay
 * as they are; RUN's mounts are expanded when they are parsed, ARG's values when it is declared.
 *
 * An instruction is expanded with the values from before it, so that `ENV a=1 b=$a` gives `b` the old `a`.
 */
import { type Expansion, ExpansionError, expandWord, type Lookup } from "./expand.ts";
import { MountError, parseMount, type RunMount } from "./run-mounts.ts";
import { DockerfileError, type Source } from "./source.ts";
import type {
  AddInstruction,
  CopyInstruction,
  EscapeCharacter,
  FromInstruction,
  InlineFile,
  Instruction,
  KeyValue,
  RunInstruction,
  StageInstruction,
} from "./syntax.ts";

export interface ExpandContext {
  readonly source: Source;
  readonly escapeCharacter: EscapeCharacter;
  readonly lookup: Lookup;
  /** Called for each variable that a word uses; `isSet` tells whether it has a value. */
  readonly onVariable?: (name: string, isSet: boolean) => void;
}

/** Expands words of one instruction; what goes wrong is told with the word's place. */
export class InstructionExpander {
  readonly #instruction: Instruction;
  readonly #context: ExpandContext;

  constructor(instruction: Instruction, context: ExpandContext) {
    this.#instruction = instruction;
    this.#context = context;
  }

  fail(reason: string, word: string, cause?: unknown): DockerfileError {
    const { places, range } = this.#instruction;
    return new DockerfileError(this.#context.source, places.get(word) ?? range.start, reason, { cause });
  }

  #run(word: string, expand: () => Expansion): Expansion {
    try {
      const expansion = expand();
      for (const name of expansion.used) this.#context.onVariable?.(name, true);
      for (const name of expansion.unset) this.#context.onVariable?.(name, false);
      return expansion;
    } catch (error) {
      if (error instanceof ExpansionError) throw this.fail(error.message, word, error);
      throw error;
    }
  }

  readonly word = (word: string): string => this.#run(word, () => expandWord(word, this.#context)).text;

  /** A word that may become several. */
  words(word: string): readonly string[] {
    return this.#run(word, () => expandWord(word, this.#context)).words;
  }

  /** Text in which quotes mean nothing: a heredoc. */
  document(text: string): string {
    const options = { escapeCharacter: "\\", lookup: this.#context.lookup, ignoreQuotes: true } as const;
    return this.#run(text, () => expandWord(text, options)).text;
  }
}

function pairs(list: readonly KeyValue[], expander: InstructionExpander): readonly KeyValue[] {
  return list.map(({ key, value, legacy }) => ({
    key: expander.word(key),
    value: expander.word(value),
    legacy,
  }));
}

function files<I extends CopyInstruction | AddInstruction>(instruction: I, expander: InstructionExpander): I {
  const { sources, destination, exclude, chown, chmod } = instruction;
  const file = (inline: InlineFile): InlineFile =>
    inline.expand ? { ...inline, content: expander.document(inline.content) } : inline;
  return {
    ...instruction,
    sources: sources.map(expander.word),
    destination: expander.word(destination),
    exclude: exclude.map(expander.word),
    files: instruction.files.map(file),
    ...(chown !== undefined && { chown: expander.word(chown) }),
    ...(chmod !== undefined && { chmod: expander.word(chmod) }),
  };
}

/**
 * An instruction with its variables expanded and quotes taken away. ARG is `declareArgs`'s.
 * @throws DockerfileError
 */
export function expandInstruction(instruction: StageInstruction, context: ExpandContext): StageInstruction {
  const expander = new InstructionExpander(instruction, context);
  switch (instruction.name) {
    case "ENV":
    case "LABEL":
      return { ...instruction, pairs: pairs(instruction.pairs, expander) };
    case "COPY":
      return files(instruction, expander);
    case "ADD": {
      const { checksum } = instruction;
      return {
        ...files(instruction, expander),
        ...(checksum !== undefined && { checksum: expander.word(checksum) }),
      };
    }
    case "EXPOSE":
      return { ...instruction, ports: instruction.ports.flatMap((port) => expander.words(port)) };
    case "STOPSIGNAL":
      return { ...instruction, signal: expander.word(instruction.signal) };
    case "USER":
      return { ...instruction, user: expander.word(instruction.user) };
    case "WORKDIR":
      return { ...instruction, path: expander.word(instruction.path) };
    case "VOLUME":
      return { ...instruction, paths: instruction.paths.map(expander.word) };
    default:
      return instruction;
  }
}

/**
 * A FROM with its base and platform expanded.
 * @throws DockerfileError; also for a base that is empty then, and for a platform
 */
export function expandFrom(from: FromInstruction, context: ExpandContext): FromInstruction {
  const expander = new InstructionExpander(from, context);
  const base = expander.word(from.base);
  if (base === "") throw expander.fail(`base name (${from.base}) should not be blank`, from.base);
  if (from.platform === undefined) return { ...from, base };
  const platform = expander.word(from.platform);
  if (platform === "") {
    throw expander.fail(`empty platform value from expression ${from.platform}`, from.platform);
  }
  return { ...from, base, platform };
}

/**
 * The mounts of a RUN.
 * @throws DockerfileError
 */
export function expandMounts(run: RunInstruction, context: ExpandContext): readonly RunMount[] {
  const expander = new InstructionExpander(run, context);
  return run.mounts.map((mount) => {
    try {
      return parseMount(mount, expander.word);
    } catch (error) {
      if (error instanceof MountError) throw expander.fail(error.message, mount, error);
      throw error;
    }
  });
}
