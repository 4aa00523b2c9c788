/**
 * `fs.constants` as Node has them on Linux (x64): a mount is Linux, whatever runs it.
 */
import * as types from "../../union/types.ts";

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND } = types;
export const O_SYNC = 0o4010000;
export const COPYFILE_EXCL = 1;
export const COPYFILE_FICLONE = 2;
export const COPYFILE_FICLONE_FORCE = 4;

export const UV_DIRENT_FILE = 1;
export const UV_DIRENT_DIR = 2;
export const UV_DIRENT_LINK = 3;
export const UV_DIRENT_FIFO = 4;
export const UV_DIRENT_SOCKET = 5;
export const UV_DIRENT_CHAR = 6;
export const UV_DIRENT_BLOCK = 7;

export const constants = Object.freeze(
  Object.assign(Object.create(null) as object, {
    UV_FS_SYMLINK_DIR: 1,
    UV_FS_SYMLINK_JUNCTION: 2,
    O_RDONLY,
    O_WRONLY,
    O_RDWR,
    UV_DIRENT_UNKNOWN: 0,
    UV_DIRENT_FILE,
    UV_DIRENT_DIR,
    UV_DIRENT_LINK,
    UV_DIRENT_FIFO,
    UV_DIRENT_SOCKET,
    UV_DIRENT_CHAR,
    UV_DIRENT_BLOCK,
    EXTENSIONLESS_FORMAT_JAVASCRIPT: 0,
    EXTENSIONLESS_FORMAT_WASM: 1,
    S_IFMT: 0o170000,
    S_IFREG: 0o100000,
    S_IFDIR: 0o040000,
    S_IFCHR: 0o020000,
    S_IFBLK: 0o060000,
    S_IFIFO: 0o010000,
    S_IFLNK: 0o120000,
    S_IFSOCK: 0o140000,
    O_CREAT,
    O_EXCL,
    UV_FS_O_FILEMAP: 0,
    O_NOCTTY: types.O_NOCTTY,
    O_TRUNC,
    O_APPEND,
    O_DIRECTORY: types.O_DIRECTORY,
    O_NOATIME: types.O_NOATIME,
    O_NOFOLLOW: types.O_NOFOLLOW,
    O_SYNC,
    O_DSYNC: types.O_DSYNC,
    O_DIRECT: types.O_DIRECT,
    O_NONBLOCK: types.O_NONBLOCK,
    S_IRWXU: 0o700,
    S_IRUSR: 0o400,
    S_IWUSR: 0o200,
    S_IXUSR: 0o100,
    S_IRWXG: 0o070,
    S_IRGRP: 0o040,
    S_IWGRP: 0o020,
    S_IXGRP: 0o010,
    S_IRWXO: 0o007,
    S_IROTH: 0o004,
    S_IWOTH: 0o002,
    S_IXOTH: 0o001,
    F_OK: types.F_OK,
    R_OK: types.R_OK,
    W_OK: types.W_OK,
    X_OK: types.X_OK,
    UV_FS_COPYFILE_EXCL: COPYFILE_EXCL,
    COPYFILE_EXCL,
    UV_FS_COPYFILE_FICLONE: COPYFILE_FICLONE,
    COPYFILE_FICLONE,
    UV_FS_COPYFILE_FICLONE_FORCE: COPYFILE_FICLONE_FORCE,
    COPYFILE_FICLONE_FORCE,
  }),
);

const CREATE = O_CREAT | O_TRUNC;
const APPEND = O_CREAT | O_APPEND;

/** Flags by the strings that `open` takes. */
export const FLAGS: ReadonlyMap<string, number> = new Map([
  ["r", O_RDONLY],
  ["rs", O_RDONLY | O_SYNC],
  ["sr", O_RDONLY | O_SYNC],
  ["r+", O_RDWR],
  ["rs+", O_RDWR | O_SYNC],
  ["sr+", O_RDWR | O_SYNC],
  ["w", O_WRONLY | CREATE],
  ["wx", O_WRONLY | CREATE | O_EXCL],
  ["xw", O_WRONLY | CREATE | O_EXCL],
  ["w+", O_RDWR | CREATE],
  ["wx+", O_RDWR | CREATE | O_EXCL],
  ["xw+", O_RDWR | CREATE | O_EXCL],
  ["a", O_WRONLY | APPEND],
  ["ax", O_WRONLY | APPEND | O_EXCL],
  ["xa", O_WRONLY | APPEND | O_EXCL],
  ["as", O_WRONLY | APPEND | O_SYNC],
  ["sa", O_WRONLY | APPEND | O_SYNC],
  ["a+", O_RDWR | APPEND],
  ["ax+", O_RDWR | APPEND | O_EXCL],
  ["xa+", O_RDWR | APPEND | O_EXCL],
  ["as+", O_RDWR | APPEND | O_SYNC],
  ["sa+", O_RDWR | APPEND | O_SYNC],
]);
