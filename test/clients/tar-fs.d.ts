/** The part of tar-fs, which comes without types, that its test uses. */
declare module "tar-fs" {
  import type { Extract, Headers, Pack } from "tar-stream";

  interface Options {
    readonly fs?: typeof import("node:fs");
    readonly umask?: number;
    readonly map?: (header: Headers) => Headers;
    readonly ignore?: (path: string) => boolean;
  }

  export type { Headers };
  export function pack(
    directory: string,
    options?: Options & {
      readonly entries?: readonly string[];
      readonly dereference?: boolean;
      readonly sort?: boolean;
      readonly strict?: boolean;
    },
  ): Pack;
  export function extract(directory: string, options?: Options & { readonly strip?: number }): Extract;
}
