/**
 * Tables of rules: each row names its rule, gives layers and says what becomes of them.
 */
import { expect, test } from "vitest";
import type { ApplyOptions } from "../../src/layer/apply.ts";
import { applyLayers } from "../../src/layer/apply.ts";
import { ArchiveError, type ArchiveErrorCode } from "../../src/tar/entry.ts";
import { describeTree } from "../tree/describe.ts";
import { type Draft, layer } from "./build.ts";

export interface TreeCase {
  /** `rule N: what it says`. */
  readonly rule: string;
  readonly layers: readonly (readonly Draft[])[];
  readonly options?: ApplyOptions;
  /** Every path of the result, without the root. */
  readonly tree: Readonly<Record<string, string>>;
}

export interface ErrorCase {
  readonly rule: string;
  readonly layers: readonly (readonly Draft[])[];
  readonly options?: ApplyOptions;
  readonly code: ArchiveErrorCode;
  /** Part of the message. */
  readonly says: string;
  /** Index in the last layer of the entry that must be refused; the last one unless said otherwise. */
  readonly refused?: number;
}

export function testTrees(cases: readonly TreeCase[]): void {
  test.each(cases)("$rule", ({ layers, options, tree }) => {
    expect(
      describeTree(
        applyLayers(
          layers.map((drafts) => layer(...drafts)),
          options,
        ),
      ),
    ).toEqual(tree);
  });
}

/** The error must name the entry and where it is. */
export function testErrors(cases: readonly ErrorCase[]): void {
  test.each(cases)("$rule", ({ layers, options, code, says, refused }) => {
    const last = layers.at(-1)!;
    const index = refused ?? last.length - 1;
    let thrown: unknown;
    try {
      applyLayers(
        layers.map((drafts) => layer(...drafts)),
        options,
      );
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ArchiveError);
    const error = thrown as ArchiveError;
    expect({ code: error.code, entry: error.entry, offset: error.offset }).toEqual({
      code,
      entry: last[index]!.name,
      offset: index * 1024,
    });
    expect(error.message).toContain(says);
  });
}
