import fc from "fast-check";
import { expect, test } from "vitest";
import { newEpoch, Table } from "../../src/union/table.ts";

type Value = { readonly n: number };

const key = fc.oneof(fc.nat(40), fc.nat(2000), fc.nat(2 ** 30 - 1));

const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("set" as const), table: fc.nat(3), key, n: fc.nat() }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("delete" as const), table: fc.nat(3), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("copy" as const), table: fc.nat(3) }) },
);

test("M24: copies of a table never see each other's writes, and differences are exactly what differs", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 120 }), (commands) => {
      const tables = [{ table: new Table<Value>(), model: new Map<number, Value>(), epoch: newEpoch() }];
      for (const step of commands) {
        const at = tables[step.table % tables.length]!;
        if (step.do === "set") {
          const value = { n: step.n };
          at.table.set(step.key, value, at.epoch);
          at.model.set(step.key, value);
        } else if (step.do === "delete") {
          at.table.delete(step.key, at.epoch);
          at.model.delete(step.key);
        } else if (tables.length < 4) {
          at.epoch = newEpoch();
          tables.push({ table: at.table.copy(), model: new Map(at.model), epoch: newEpoch() });
        }
      }
      for (const { table, model } of tables) {
        for (const step of commands) if ("key" in step) expect(table.get(step.key)).toBe(model.get(step.key));
        for (const other of tables) {
          const found = new Map<number, [Value | undefined, Value | undefined]>();
          Table.differences(table, other.table, (key, a, b) => found.set(key, [a, b]));
          const expected = new Map<number, [Value | undefined, Value | undefined]>();
          for (const key of new Set([...model.keys(), ...other.model.keys()])) {
            const a = model.get(key);
            const b = other.model.get(key);
            if (a !== b) expected.set(key, [a, b]);
          }
          expect(found).toEqual(expected);
        }
      }
    }),
    { numRuns: 300 },
  );
});
