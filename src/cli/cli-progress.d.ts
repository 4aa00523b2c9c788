/**
 * The part of cli-progress that `progress.ts` uses; the package has no types of its own.
 */
declare module "cli-progress" {
  export interface SingleBar {
    update(value: number, payload: object): void;
  }
  export class MultiBar {
    constructor(options: object);
    create(total: number, start: number, payload: object): SingleBar;
    remove(bar: SingleBar): boolean;
    stop(): void;
  }
}
