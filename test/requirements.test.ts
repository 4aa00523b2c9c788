import { readdirSync, readFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { imagePath, needs } from "./requirements.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("what a test needs from the machine", () => {
  it("a tool that is there is no reason to skip", () => {
    expect(needs.tool("sh", "dash")).toBeUndefined();
  });

  it("a reason names the tool and the package that brings it", () => {
    vi.stubEnv("CI", "");
    expect(needs.tool("no-such-tool", "its-package")).toContain("apt-get install its-package");
  });

  it("in CI a missing requirement is an error, not a skip", () => {
    vi.stubEnv("CI", "true");
    expect(() => needs.tool("no-such-tool", "its-package")).toThrow("its-package");
    expect(() => needs.image("no-such-image")).toThrow("no-such-image");
  });

  it("CI installs every package that a test names", () => {
    const installs = readFileSync(new URL("../.ci/run", import.meta.url), "utf8").split(/\s+/);
    const directory = new URL(".", import.meta.url);
    for (const path of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
      if (!path.endsWith(".ts") || path === "requirements.test.ts") continue;
      const text = readFileSync(new URL(path, directory), "utf8");
      for (const [, tool] of text.matchAll(/needs\.tool\("[^"]+", "([^"]+)"\)/g)) {
        expect(installs, `${path} names ${tool}`).toContain(tool);
      }
    }
  });

  it("images lie beside the repository", () => {
    expect(imagePath("busybox")).toMatch(/shared\/images\/busybox$/);
  });
});
