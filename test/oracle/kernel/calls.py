"""The operations of `scenario.ts` as system calls, and their results as values that can be compared.

What cannot be compared is left out or made a token: times since 2020 are "now"; inode numbers are
numbered by first appearance; size and link count of directories are null.
"""

import errno
import os
import stat
import zlib

from linux import AT_EACCESS, AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_FOLLOW, AT_SYMLINK_NOFOLLOW, ROOT, become, check, directory_names, libc, times

NOW_FROM = 1_600_000_000 * 10**9
O_PATH = 0o10000000


def error_name(error):
    """As the engine names it; Python calls 95 ENOTSUP."""
    return "EOPNOTSUPP" if error.errno == errno.EOPNOTSUPP else errno.errorcode[error.errno]


class Tokens:
    """Inode numbers as small numbers by first appearance."""

    def __init__(self):
        self.seen = {}

    def of(self, number):
        return self.seen.setdefault(number, len(self.seen))


def time_token(nanoseconds):
    return "now" if nanoseconds >= NOW_FROM else str(nanoseconds)


def describe(status, tokens):
    directory = stat.S_ISDIR(status.st_mode)
    return [
        stat.S_IFMT(status.st_mode),
        stat.S_IMODE(status.st_mode),
        None if directory else status.st_nlink,
        status.st_uid,
        status.st_gid,
        status.st_rdev,
        None if directory else status.st_size,
        time_token(status.st_mtime_ns),
        tokens.of(status.st_ino),
    ]


def bytes_of(data):
    byte, length = data
    return bytes([byte]) * length


class NoSuchCaller(Exception):
    """The caller's root or current directory cannot be entered."""


class Session:
    """Runs operations inside the current root directory, which is open as `root`."""

    def __init__(self, root):
        self.tokens = Tokens()
        self.handles = {}
        self.caller = ROOT
        self.root = root

    def run(self, operation):
        caller = operation.get("as", ROOT)
        try:
            if caller is not self.caller:
                self.take(caller)
            return getattr(self, "do_" + operation["call"])(operation)
        except OSError as error:
            return error_name(error)
        except NoSuchCaller:
            return "no such caller"

    def take(self, caller):
        """Becomes a caller: its root, its ids, its current directory, in this order."""
        cwd, root = (caller[4:] + [None, None])[:2]
        if len(self.caller) > 4:
            become(ROOT)
            os.fchdir(self.root)
            os.chroot(".")
        self.caller = caller
        try:
            if root is not None:
                become(ROOT)
                os.chroot(root)
                os.chdir("/")
            become(caller)
            if cwd is not None:
                os.chdir(cwd)
        except OSError as error:
            self.caller = caller + [None] * (6 - len(caller))
            raise NoSuchCaller() from error

    def finish(self):
        for fd in self.handles.values():
            os.close(fd)
        self.take(ROOT)

    def fd(self, operation, key="slot"):
        if operation[key] not in self.handles:
            raise OSError(errno.EBADF, "nothing is open there")
        return self.handles[operation[key]]

    # Descriptors.

    def do_open(self, operation):
        flags = operation["flags"] | os.O_NONBLOCK
        fd = os.open(operation["path"], flags, operation["mode"])
        if not flags & O_PATH and not operation.get("pipe") and stat.S_ISFIFO(os.fstat(fd).st_mode):
            # What a pipe does is no matter of a filesystem; ours has none behind the inode.
            os.close(fd)
            raise OSError(errno.ENXIO, "a pipe")
        slot = operation["slot"]
        if slot in self.handles:
            os.close(self.handles[slot])
        self.handles[slot] = fd
        return 0

    def do_close(self, operation):
        os.close(self.fd(operation))
        del self.handles[operation["slot"]]
        return 0

    def do_read(self, operation):
        fd, length, at = self.fd(operation), operation["length"], operation["at"]
        data = os.read(fd, length) if at is None else os.pread(fd, length, at)
        return [len(data), zlib.crc32(data)]

    def do_write(self, operation):
        fd, data, at = self.fd(operation), bytes_of(operation["data"]), operation["at"]
        return os.write(fd, data) if at is None else os.pwrite(fd, data, at)

    def do_lseek(self, operation):
        return check(libc.lseek(self.fd(operation), operation["at"], operation["whence"]))

    def do_fstat(self, operation):
        return describe(os.fstat(self.fd(operation)), self.tokens)

    def do_ftruncate(self, operation):
        os.ftruncate(self.fd(operation), operation["size"])
        return 0

    def do_fchmod(self, operation):
        os.fchmod(self.fd(operation), operation["mode"])
        return 0

    def do_fchown(self, operation):
        os.fchown(self.fd(operation), operation["uid"], operation["gid"])
        return 0

    def do_futimens(self, operation):
        return check(libc.futimens(self.fd(operation), times(operation["atime"], operation["mtime"])))

    def do_fallocate(self, operation):
        fd = self.fd(operation)
        return check(libc.fallocate(fd, operation["mode"], operation["at"], operation["length"]))

    def do_copyRange(self, operation):
        source, target = self.fd(operation, "from"), self.fd(operation, "slot")
        return os.copy_file_range(source, target, operation["length"], operation["fromAt"], operation["at"])

    def do_fsync(self, operation):
        os.fsync(self.fd(operation))
        return 0

    def do_fdreaddir(self, operation):
        return sorted(directory_names(self.fd(operation)), key=os.fsencode)

    def do_linkfd(self, operation):
        fd, path = self.fd(operation), os.fsencode(operation["path"])
        return check(libc.linkat(fd, b"", AT_FDCWD, path, AT_EMPTY_PATH))

    # Paths.

    def do_stat(self, operation):
        return describe(os.stat(operation["path"]), self.tokens)

    def do_lstat(self, operation):
        return describe(os.lstat(operation["path"]), self.tokens)

    def do_directoryLinks(self, operation):
        return os.lstat(operation["path"]).st_nlink

    def do_access(self, operation):
        # os.access() hides the error; faccessat(2) with the effective ids tells it.
        path = os.fsencode(operation["path"])
        return check(libc.faccessat(AT_FDCWD, path, operation["mode"], AT_EACCESS))

    def do_readlink(self, operation):
        return [os.readlink(operation["path"])]

    def do_readdir(self, operation):
        with os.scandir(operation["path"]) as entries:
            return sorted(
                [entry.name, entry.is_dir(follow_symlinks=False), entry.is_symlink(), self.tokens.of(entry.inode())]
                for entry in sorted(entries, key=lambda entry: os.fsencode(entry.name))
            )

    def do_mkdir(self, operation):
        os.mkdir(operation["path"], operation["mode"])
        return 0

    def do_rmdir(self, operation):
        os.rmdir(operation["path"])
        return 0

    def do_unlink(self, operation):
        os.unlink(operation["path"])
        return 0

    def do_rename(self, operation):
        source, target = os.fsencode(operation["from"]), os.fsencode(operation["path"])
        return check(libc.renameat2(AT_FDCWD, source, AT_FDCWD, target, operation["flags"]))

    def do_link(self, operation):
        # os.link(follow_symlinks=True) does not follow: it calls link(2).
        source, target = os.fsencode(operation["from"]), os.fsencode(operation["path"])
        flags = AT_SYMLINK_FOLLOW if operation["follow"] else 0
        return check(libc.linkat(AT_FDCWD, source, AT_FDCWD, target, flags))

    def do_symlink(self, operation):
        os.symlink(operation["target"], operation["path"])
        return 0

    def do_mknod(self, operation):
        os.mknod(operation["path"], operation["mode"], operation["rdev"])
        return 0

    def do_chmod(self, operation):
        os.chmod(operation["path"], operation["mode"])
        return 0

    def do_chown(self, operation):
        os.chown(operation["path"], operation["uid"], operation["gid"])
        return 0

    def do_lchown(self, operation):
        os.lchown(operation["path"], operation["uid"], operation["gid"])
        return 0

    def do_truncate(self, operation):
        os.truncate(operation["path"], operation["size"])
        return 0

    def do_utimens(self, operation):
        flags = 0 if operation["follow"] else AT_SYMLINK_NOFOLLOW
        return check(libc.utimensat(AT_FDCWD, os.fsencode(operation["path"]), times(operation["atime"], operation["mtime"]), flags))

    # Extended attributes: by path, by a path whose last link is not followed, by descriptor.

    def xattr_target(self, operation):
        if "slot" in operation:
            return {"path": self.fd(operation)}
        return {"path": operation["path"], "follow_symlinks": operation["follow"]}

    def do_getxattr(self, operation):
        return [os.getxattr(attribute=operation["name"], **self.xattr_target(operation)).decode("latin-1")]

    def do_listxattr(self, operation):
        return [sorted(os.listxattr(**self.xattr_target(operation)))]

    def do_setxattr(self, operation):
        value = operation["value"].encode("latin-1")
        target = self.xattr_target(operation)
        os.setxattr(attribute=operation["name"], value=value, flags=operation["flags"], **target)
        return 0

    def do_removexattr(self, operation):
        os.removexattr(attribute=operation["name"], **self.xattr_target(operation))
        return 0
