/**
 * Which containers `ps` and `container prune` mean: `--filter`. Filters of one key are alternatives,
 * different keys must all match; each label is a key of its own.
 */
import type { Container } from "../runtime/container.ts";
import type { Store } from "../runtime/store.ts";
import { Failure, refused } from "./failure.ts";
import { untilTime } from "./image-filters.ts";

type Test = (container: Container) => boolean;

interface Surroundings {
  readonly store: Store;
  readonly all: readonly Container[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const STATES = ["created", "restarting", "running", "removing", "paused", "exited", "dead"];

function createdTime({ record }: Container): number {
  return Date.parse(record.created);
}

function anchor(all: readonly Container[], text: string): Container {
  const found =
    all.find(({ id, name }) => name === text || id === text) ?? all.find(({ id }) => id.startsWith(text));
  if (found === undefined || text === "") throw refused(`No such container: ${text}`);
  return found;
}

function labelTest(value: string): Test {
  const equals = value.indexOf("=");
  const key = equals < 0 ? value : value.slice(0, equals);
  return ({ record }) => {
    const labels = record.config.Labels ?? {};
    return Object.hasOwn(labels, key) && (equals < 0 || labels[key] === value.slice(equals + 1));
  };
}

/** The pattern of a name, as Docker matches it: anywhere in the name or in `/name`. */
function nameTest(value: string): Test {
  let pattern: RegExp;
  try {
    pattern = new RegExp(value);
  } catch {
    throw refused(`invalid filter 'name=${value}'`);
  }
  return ({ name }) => pattern.test(name) || pattern.test(`/${name}`);
}

/** Containers of an image, or of one that was made of it: those whose layers begin with its own. */
async function ancestorTest({ store, all }: Surroundings, value: string): Promise<Test> {
  const wanted = await store.image(value).catch(() => undefined);
  if (wanted === undefined) return () => false;
  const below = wanted.config.rootfs.diff_ids;
  const descendants = new Set<string>();
  for (const container of all) {
    const image = await container.image().catch(() => undefined);
    const { diff_ids } = image?.config.rootfs ?? { diff_ids: [] };
    if (
      container.record.image.id === wanted.id ||
      (image !== undefined && below.every((id, i) => diff_ids[i] === id))
    ) {
      descendants.add(container.id);
    }
  }
  return ({ id }) => descendants.has(id);
}

async function makeTest(key: string, value: string, around: Surroundings): Promise<Test> {
  switch (key) {
    case "id":
      return ({ id }) => id.startsWith(value);
    case "name":
      return nameTest(value);
    case "label":
      return labelTest(value);
    case "label!": {
      const test = labelTest(value);
      return (container) => !test(container);
    }
    case "status":
      if (!STATES.includes(value)) throw refused(`invalid filter 'status=${value}'`);
      return ({ status }) => status.kind === value;
    case "exited":
      if (!/^[0-9]+$/.test(value)) throw refused(`invalid filter 'exited=[${value}]'`);
      return ({ status }) => status.kind === "exited" && status.exitCode === Number(value);
    case "before": {
      const time = createdTime(anchor(around.all, value));
      return (container) => createdTime(container) < time;
    }
    case "since": {
      const time = createdTime(anchor(around.all, value));
      return (container) => createdTime(container) > time;
    }
    case "ancestor":
      return await ancestorTest(around, value);
    case "volume":
      return ({ record }) =>
        record.attachments.some(({ source, target }) => source === value || target === value);
    case "until": {
      const time = untilTime(value, around.now);
      return (container) => createdTime(container) < time;
    }
    default:
      throw refused(`Invalid filter '${key}'`);
  }
}

/**
 * What some filters ask for.
 * @param allowed keys that the command at hand knows
 * @throws Failure
 */
export async function containerTest(
  filters: readonly string[],
  allowed: readonly string[],
  around: Surroundings,
): Promise<Test> {
  const tests = new Map<string, Test[]>();
  for (const filter of filters) {
    const equals = filter.indexOf("=");
    if (equals < 0) {
      throw new Failure(
        `invalid argument "${filter}" for "-f, --filter" flag: bad format of filter (expected name=value)`,
        125,
      );
    }
    const key = filter.slice(0, equals).trim().toLowerCase();
    const value = filter.slice(equals + 1).trim();
    if (!allowed.includes(key)) throw refused(`Invalid filter '${key}'`);
    const group = key.startsWith("label") ? filter : key;
    tests.set(group, [...(tests.get(group) ?? []), await makeTest(key, value, around)]);
  }
  const groups = [...tests.values()];
  return (container) => groups.every((alternatives) => alternatives.some((test) => test(container)));
}
