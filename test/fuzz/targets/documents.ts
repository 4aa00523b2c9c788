/**
 * JSON documents: manifests, indexes and configs in which members are absurd, missing, there twice, or
 * named as what every object has.
 */
import { createdAt, createdSince } from "../../../src/cli/units.ts";
import { historySteps, parseConfig } from "../../../src/oci/config.ts";
import { descriptorData } from "../../../src/oci/descriptor.ts";
import { jsonBytes, parseJson } from "../../../src/oci/json.ts";
import { parseLayoutIndex, parseManifest } from "../../../src/oci/manifest.ts";
import { parsePlatform, selectManifest } from "../../../src/oci/platform.ts";
import { documentTexts } from "../json-texts.ts";
import { sometimesMutated } from "../mutations.ts";
import { attempt, type Outcome, same, type Target } from "../target.ts";

const PLATFORM = parsePlatform("linux/amd64");

/** What was accepted is accepted again when it is written, and says the same. */
function checkAgain<T>(what: string, outcome: Outcome<T>, again: (bytes: Uint8Array) => T): void {
  if ("error" in outcome) return;
  const written = jsonBytes(outcome.value);
  same(`${what}, written and read again`, jsonBytes(again(written)), written);
}

export const documents: Target = {
  name: "documents",
  what: "JSON with absurd members to the parsers of manifests, indexes and configs",
  share: 2,
  cases: sometimesMutated(documentTexts.map((text) => new Uint8Array(Buffer.from(text)))),
  feed(bytes) {
    checkAgain(
      "JSON",
      attempt(() => parseJson(bytes, "it")),
      (again) => parseJson(again, "it"),
    );

    const manifest = attempt(() => parseManifest(bytes, undefined, "it"));
    checkAgain("a manifest", "error" in manifest ? manifest : { value: document(manifest.value) }, (again) =>
      document(parseManifest(again, undefined, "it")),
    );
    if ("value" in manifest && manifest.value.kind === "manifest") {
      const { config, layers } = manifest.value.manifest;
      for (const descriptor of [config, ...layers]) attempt(() => descriptorData(descriptor));
    }

    const index = attempt(() => parseLayoutIndex(bytes, "it"));
    checkAgain("an index", index, (again) => parseLayoutIndex(again, "it"));
    if ("value" in index) attempt(() => selectManifest(index.value.manifests, PLATFORM));

    const config = attempt(() => parseConfig(bytes, "it"));
    checkAgain("a config", config, (again) => parseConfig(again, "it"));
    if ("value" in config) {
      const steps = historySteps(config.value);
      same(
        "layers of the history",
        steps.filter(({ layer }) => layer !== undefined).length,
        config.value.rootfs.diff_ids.length,
      );
      for (const { entry } of steps) {
        createdSince(entry.created, 0);
        createdAt(entry.created);
      }
    }
  },
};

function document(parsed: ReturnType<typeof parseManifest>): object {
  return parsed.kind === "index" ? parsed.index : parsed.manifest;
}
