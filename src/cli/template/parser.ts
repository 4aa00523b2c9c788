/**
 * Tokens of a Go template into a tree: pipelines, `if`, `range`, `with`, variables.
 */
import { lexTemplate, type Piece, TemplateError, type Token } from "./lexer.ts";

/** A value that an argument stands for. */
export type Operand =
  | { readonly type: "constant"; readonly value: string | number | boolean | null }
  | { readonly type: "field"; readonly path: readonly string[] }
  | { readonly type: "variable"; readonly name: string; readonly path: readonly string[] }
  | { readonly type: "pipeline"; readonly pipeline: Pipeline; readonly path: readonly string[] }
  | { readonly type: "call"; readonly name: string; readonly operands: readonly Operand[] };

/** Commands from left to right; the result of each is the last argument of the next. */
export type Pipeline = readonly Operand[];

export type Node =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "output"; readonly pipeline: Pipeline }
  | { readonly type: "assign"; readonly name: string; readonly pipeline: Pipeline; readonly declare: boolean }
  | {
      readonly type: "if" | "with";
      readonly pipeline: Pipeline;
      readonly body: Body;
      readonly otherwise: Body;
    }
  | {
      readonly type: "range";
      readonly variables: readonly string[];
      readonly pipeline: Pipeline;
      readonly body: Body;
      readonly otherwise: Body;
    };

export type Body = readonly Node[];

const BLOCKS = new Set(["if", "range", "with"]);

/** One action's tokens, taken from left to right. */
class Tokens {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead];
  }

  next(): Token | undefined {
    return this.#tokens[this.#at++];
  }

  symbol(text: string): boolean {
    const token = this.peek();
    if (token?.type !== "symbol" || token.text !== text) return false;
    this.#at += 1;
    return true;
  }

  get done(): boolean {
    return this.#at >= this.#tokens.length;
  }
}

function isEnd(token: Token | undefined): boolean {
  return token === undefined || (token.type === "symbol" && (token.text === "|" || token.text === ")"));
}

const CONSTANTS: ReadonlyMap<string, boolean | null> = new Map([
  ["true", true],
  ["false", false],
  ["nil", null],
]);

function parseOperand(tokens: Tokens, known: ReadonlySet<string>): Operand {
  const token = tokens.next();
  if (token === undefined) throw new TemplateError("template: :1: missing value for command");
  if (token.type === "string" || token.type === "number") return { type: "constant", value: token.value };
  if (token.type === "field") return { type: "field", path: token.path };
  if (token.type === "variable") return { type: "variable", name: token.name, path: token.path };
  if (token.type === "word") {
    const constant = CONSTANTS.get(token.text);
    if (constant !== undefined) return { type: "constant", value: constant };
    if (!known.has(token.text)) {
      throw new TemplateError(`template: :1: function ${JSON.stringify(token.text)} not defined`);
    }
    return { type: "call", name: token.text, operands: [] };
  }
  if (token.text !== "(")
    throw new TemplateError(`template: :1: unexpected ${JSON.stringify(token.text)} in operand`);
  const pipeline = parsePipeline(tokens, known);
  if (!tokens.symbol(")")) throw new TemplateError("template: :1: unclosed left paren");
  const after = tokens.peek();
  const path = after?.type === "field" && after.path.length > 0 ? after.path : [];
  if (path.length > 0) tokens.next();
  return { type: "pipeline", pipeline, path };
}

function parseCommand(tokens: Tokens, known: ReadonlySet<string>): Operand {
  const first = parseOperand(tokens, known);
  if (isEnd(tokens.peek())) return first;
  if (first.type !== "call") throw new TemplateError("template: :1: can't give argument to non-function");
  const operands: Operand[] = [];
  while (!isEnd(tokens.peek())) operands.push(parseOperand(tokens, known));
  return { ...first, operands };
}

function parsePipeline(tokens: Tokens, known: ReadonlySet<string>): Pipeline {
  const commands = [parseCommand(tokens, known)];
  while (tokens.symbol("|")) {
    const command = parseCommand(tokens, known);
    if (command.type !== "call") {
      throw new TemplateError("template: :1: non executable command in pipeline stage 2");
    }
    commands.push(command);
  }
  return commands;
}

/** `$a, $b :=` before a pipeline. */
function parseVariables(tokens: Tokens): { names: string[]; declare: boolean } | undefined {
  const [first, second, third, fourth] = [0, 1, 2, 3].map((ahead) => tokens.peek(ahead));
  const assigns = (token: Token | undefined) =>
    token?.type === "symbol" && (token.text === ":=" || token.text === "=");
  if (first?.type !== "variable") return undefined;
  const two =
    second?.type === "symbol" && second.text === "," && third?.type === "variable" && assigns(fourth);
  if (!two && !assigns(second)) return undefined;
  const names = two ? [first.name, third.name] : [first.name];
  for (let i = 0; i < (two ? 3 : 1); i++) tokens.next();
  const sign = tokens.next();
  return { names, declare: sign?.type === "symbol" && sign.text === ":=" };
}

class Parser {
  readonly #pieces: readonly Piece[];
  readonly #known: ReadonlySet<string>;
  #at = 0;

  constructor(pieces: readonly Piece[], known: ReadonlySet<string>) {
    this.#pieces = pieces;
    this.#known = known;
  }

  /** Nodes up to `end` or `else` of this depth, or to the end of the template at depth 0. */
  body(depth: number): { nodes: Body; stop: Tokens | undefined; word: string } {
    const nodes: Node[] = [];
    while (this.#at < this.#pieces.length) {
      const piece = this.#pieces[this.#at++]!;
      if (piece.type === "text") {
        nodes.push(piece);
        continue;
      }
      const tokens = new Tokens(piece.tokens);
      const first = tokens.peek();
      const word = first?.type === "word" ? first.text : "";
      if (word === "end" || word === "else") {
        if (depth === 0) throw new TemplateError(`template: :1: unexpected {{${word}}}`);
        tokens.next();
        return { nodes, stop: tokens, word };
      }
      nodes.push(BLOCKS.has(word) ? this.#block(tokens, depth) : this.#action(tokens));
    }
    if (depth > 0) throw new TemplateError("template: :1: unexpected EOF");
    return { nodes, stop: undefined, word: "" };
  }

  #action(tokens: Tokens): Node {
    const variables = parseVariables(tokens);
    const pipeline = this.#whole(tokens);
    const name = variables?.names[0];
    if (variables === undefined || name === undefined) return { type: "output", pipeline };
    return { type: "assign", name, pipeline, declare: variables.declare };
  }

  #whole(tokens: Tokens): Pipeline {
    const pipeline = parsePipeline(tokens, this.#known);
    if (!tokens.done) throw new TemplateError("template: :1: unexpected right paren");
    return pipeline;
  }

  #block(tokens: Tokens, depth: number): Node {
    const keyword = tokens.next();
    const type = (keyword?.type === "word" ? keyword.text : "if") as "if" | "range" | "with";
    const variables = parseVariables(tokens);
    const pipeline = this.#whole(tokens);
    const { nodes: body, stop, word } = this.body(depth + 1);
    const otherwise = word === "else" && stop !== undefined ? this.#otherwise(stop, depth) : [];
    if (type === "range") return { type, variables: variables?.names ?? [], pipeline, body, otherwise };
    return { type, pipeline, body, otherwise };
  }

  /** What follows an `else`, which may itself be an `else if`. */
  #otherwise(stop: Tokens, depth: number): Body {
    const next = stop.peek();
    if (next?.type === "word" && BLOCKS.has(next.text)) return [this.#block(stop, depth)];
    const { nodes, word } = this.body(depth + 1);
    if (word === "else") throw new TemplateError("template: :1: expected end; found {{else}}");
    return nodes;
  }
}

/**
 * Parses a template.
 * @param known the functions it may call
 * @throws TemplateError
 */
export function parseTemplate(source: string, known: ReadonlySet<string>): Body {
  return new Parser(lexTemplate(source), known).body(0).nodes;
}
