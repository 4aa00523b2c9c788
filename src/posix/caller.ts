/**
 * Who makes a call: the part of a process that the filesystem looks at (credentials(7)).
 * Nothing is read from the host: the default caller is root with all capabilities, umask 022, at `/`.
 */

/** The capabilities that a filesystem operation can ask for (capabilities(7)). */
export type Capability =
  | "CAP_CHOWN"
  | "CAP_DAC_OVERRIDE"
  | "CAP_DAC_READ_SEARCH"
  | "CAP_FOWNER"
  | "CAP_FSETID"
  | "CAP_LINUX_IMMUTABLE"
  | "CAP_MKNOD"
  | "CAP_SETFCAP"
  | "CAP_SYS_ADMIN"
  | "CAP_SYS_RESOURCE";

export interface Caller {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
  /** Bits taken from the mode of what the caller creates. */
  readonly umask: number;
  readonly capabilities: ReadonlySet<Capability>;
  /** Absolute path in the mount from which relative paths start. */
  readonly cwd: string;
  /** Absolute path in the mount that the caller sees as `/`. */
  readonly root: string;
}

const EVERYTHING: ReadonlySet<Capability> = new Set<Capability>([
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_DAC_READ_SEARCH",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_LINUX_IMMUTABLE",
  "CAP_MKNOD",
  "CAP_SETFCAP",
  "CAP_SYS_ADMIN",
  "CAP_SYS_RESOURCE",
]);
const NOTHING: ReadonlySet<Capability> = new Set();

/** Root with every capability, umask 022, at `/`. */
export const ROOT_CALLER: Caller = {
  uid: 0,
  gid: 0,
  groups: [],
  umask: 0o022,
  capabilities: EVERYTHING,
  cwd: "/",
  root: "/",
};

/**
 * A caller from the fields that differ from `base`. Where only the uid changes, capabilities follow
 * it as `setuid(2)` has them: all for 0, none for any other.
 */
export function makeCaller(fields: Partial<Caller>, base: Caller = ROOT_CALLER): Caller {
  const capabilities =
    fields.capabilities ??
    (fields.uid === undefined || fields.uid === base.uid
      ? base.capabilities
      : fields.uid === 0
        ? EVERYTHING
        : NOTHING);
  return { ...base, ...fields, capabilities };
}

/** Whether a group is the caller's own or one of its supplementary ones. */
export function inGroup(caller: Caller, gid: number): boolean {
  return caller.gid === gid || caller.groups.includes(gid);
}
