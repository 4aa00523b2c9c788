/**
 * Names of containers: which ones there can be, and one for a container that was given none.
 */
import { platform } from "#platform";
import { StoreError } from "./errors.ts";

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

const ADJECTIVES =
  "able agile amber ample azure bold brave bright brisk calm candid civil clear clever cosy crisp deft " +
  "eager early easy elder fair fast fine firm fleet fond frank free fresh gentle glad gold grand green " +
  "happy hardy hazel honest humble ideal ivory jolly keen kind large light lively loyal lucid lucky mellow " +
  "merry mild misty modest neat nimble noble novel olive open patient plain plucky polite proud pure quick " +
  "quiet rapid rare ready regal ripe robust rosy royal sandy sharp shy silent silver sincere sleek smart " +
  "snowy sober solid steady still stout sunny sure swift tidy tiny tranquil true upbeat vivid warm wise witty";

const NOUNS =
  "acorn alder anchor apple arbour aspen badger barley basalt beacon beaver birch bison bobbin breeze brook " +
  "canyon cedar cherry cliff cloud clover comet copper coral cove crane creek cricket dale delta dove dune " +
  "eagle elm ember falcon fern finch fjord flint forest fountain fox garnet geyser glacier glade granite " +
  "grove harbour hare hawk hazelnut heron hill island jasper juniper kestrel lagoon lake lantern larch lark " +
  "laurel lichen linden lynx maple marble marsh marten meadow mesa mill moss oak opal orchard osprey otter " +
  "owl pebble pine plover pond poplar prairie quail quartz raven reef ridge river robin rowan saddle sage " +
  "salmon shale shore sparrow spring spruce stork summit swallow thistle thrush tulip valley walnut willow wren";

const WORDS = { adjectives: ADJECTIVES.split(" "), nouns: NOUNS.split(" ") };

/** How many names are tried before a digit is put after one. */
const ATTEMPTS = 6;

/** @throws StoreError (`invalid`) */
export function checkContainerName(name: string): void {
  if (NAME.test(name)) return;
  const allowed = "[a-zA-Z0-9][a-zA-Z0-9_.-]";
  throw new StoreError("invalid", `Invalid container name (${name}), only ${allowed} are allowed`);
}

function pick(words: readonly string[]): string {
  const [high = 0, low = 0] = platform.randomBytes(2);
  return words[(high * 256 + low) % words.length]!;
}

/** A name of two words that none of `taken` is. */
export function randomName(taken: ReadonlySet<string>): string {
  for (let attempt = 0; ; attempt++) {
    const name = `${pick(WORDS.adjectives)}_${pick(WORDS.nouns)}`;
    const suffix = attempt < ATTEMPTS ? "" : String(platform.randomBytes(2).join(""));
    if (!taken.has(name + suffix)) return name + suffix;
  }
}
