/**
 * The part of Go's text/template that Docker's `--format` is used with: fields, variables, pipelines,
 * `if`, `range`, `with`, and the functions of `functions.ts`.
 */
import { FUNCTIONS } from "./functions.ts";
import { TemplateError } from "./lexer.ts";
import { type Body, type Node, type Operand, type Pipeline, parseTemplate } from "./parser.ts";
import { isTrue, member, print, rangeOver, type Value } from "./value.ts";

/** Makes text of a value. */
export type Template = (data: Value) => string;

/** Variables by name, innermost first. */
class Scope {
  readonly #values = new Map<string, Value>();
  readonly #outer: Scope | undefined;

  constructor(outer?: Scope) {
    this.#outer = outer;
  }

  declare(name: string, value: Value): void {
    this.#values.set(name, value);
  }

  assign(name: string, value: Value): void {
    if (this.#values.has(name)) this.#values.set(name, value);
    else if (this.#outer !== undefined) this.#outer.assign(name, value);
    else throw new TemplateError(`undefined variable "$${name}"`);
  }

  get(name: string): Value {
    if (this.#values.has(name)) return this.#values.get(name);
    if (this.#outer !== undefined) return this.#outer.get(name);
    throw new TemplateError(`undefined variable "$${name}"`);
  }
}

function walk(value: Value, path: readonly string[]): Value {
  return path.reduce<Value>(member, value);
}

function evaluate(operand: Operand, dot: Value, scope: Scope, piped: readonly Value[]): Value {
  switch (operand.type) {
    case "constant":
      return operand.value;
    case "field":
      return walk(dot, operand.path);
    case "variable":
      return walk(scope.get(operand.name), operand.path);
    case "pipeline":
      return walk(run(operand.pipeline, dot, scope), operand.path);
    case "call": {
      const values = operand.operands.map((argument) => evaluate(argument, dot, scope, []));
      const call = FUNCTIONS.get(operand.name);
      if (call === undefined) throw new TemplateError(`function "${operand.name}" not defined`);
      return call(...values, ...piped);
    }
  }
}

function run(pipeline: Pipeline, dot: Value, scope: Scope): Value {
  let piped: readonly Value[] = [];
  for (const command of pipeline) piped = [evaluate(command, dot, scope, piped)];
  return piped[0];
}

function renderRange(node: Extract<Node, { type: "range" }>, dot: Value, scope: Scope): string {
  const elements = rangeOver(run(node.pipeline, dot, scope));
  if (elements.length === 0) return render(node.otherwise, dot, new Scope(scope));
  return elements
    .map(([key, element]) => {
      const inner = new Scope(scope);
      const [first, second] = node.variables;
      if (second !== undefined) inner.declare(second, element);
      if (first !== undefined) inner.declare(first, second === undefined ? element : key);
      return render(node.body, element, inner);
    })
    .join("");
}

function renderNode(node: Node, dot: Value, scope: Scope): string {
  switch (node.type) {
    case "text":
      return node.text;
    case "output":
      return print(run(node.pipeline, dot, scope));
    case "assign": {
      const value = run(node.pipeline, dot, scope);
      if (node.declare) scope.declare(node.name, value);
      else scope.assign(node.name, value);
      return "";
    }
    case "range":
      return renderRange(node, dot, scope);
    default: {
      const value = run(node.pipeline, dot, scope);
      if (!isTrue(value)) return render(node.otherwise, dot, new Scope(scope));
      return render(node.body, node.type === "with" ? value : dot, new Scope(scope));
    }
  }
}

function render(body: Body, dot: Value, scope: Scope): string {
  return body.map((node) => renderNode(node, dot, scope)).join("");
}

/**
 * Compiles a template.
 * @throws TemplateError where it cannot be parsed; what it returns throws where it cannot be executed
 */
export function compileTemplate(source: string): Template {
  const body = parseTemplate(source, new Set(FUNCTIONS.keys()));
  return (data) => {
    const scope = new Scope();
    scope.declare("", data);
    return render(body, data, scope);
  };
}
