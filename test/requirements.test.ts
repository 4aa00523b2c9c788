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

  it("images lie beside the repository", () => {
    expect(imagePath("busybox")).toMatch(/shared\/images\/busybox$/);
  });
});
