"""System calls that Python's os module lacks, by ctypes; each raises OSError as os does."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]
libc.lseek.argtypes = [ctypes.c_int, ctypes.c_long, ctypes.c_int]
libc.lseek.restype = ctypes.c_long

AT_FDCWD, AT_SYMLINK_NOFOLLOW, AT_SYMLINK_FOLLOW = -100, 0x100, 0x400
AT_EACCESS, AT_EMPTY_PATH = 0x200, 0x1000
CLONE_NEWNS = 0x20000
MS_NOATIME, MS_REC, MS_PRIVATE = 1024, 0x4000, 1 << 18
MNT_DETACH = 2


class timespec(ctypes.Structure):
    _fields_ = [("sec", ctypes.c_long), ("nsec", ctypes.c_long)]


def check(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def times(atime, mtime):
    """The two timespecs of utimensat(2) from `now`, `omit` or nanoseconds in decimal."""
    pair = (timespec * 2)()
    for index, value in enumerate((atime, mtime)):
        if value == "now":
            pair[index].nsec = (1 << 30) - 1
        elif value == "omit":
            pair[index].nsec = (1 << 30) - 2
        else:
            pair[index].sec, pair[index].nsec = divmod(int(value), 10**9)
    return pair


def directory_names(fd):
    """All names of an open directory. Leaves it at its start: other positions mean nothing elsewhere."""
    os.lseek(fd, 0, os.SEEK_SET)
    buffer = ctypes.create_string_buffer(1 << 15)
    names = []
    while True:
        count = check(libc.getdents64(fd, buffer, ctypes.c_size_t(len(buffer))))
        if count == 0:
            os.lseek(fd, 0, os.SEEK_SET)
            return [name for name in names if name not in (".", "..")]
        at = 0
        while at < count:
            length = int.from_bytes(buffer.raw[at + 16 : at + 18], "little")
            names.append(os.fsdecode(buffer.raw[at + 19 : at + length].split(b"\0", 1)[0]))
            at += length


def mount(source, target, kind, flags, data):
    check(libc.mount(source, os.fsencode(target), kind, flags, os.fsencode(data)))


def umount(target, flags=0):
    check(libc.umount2(os.fsencode(target), flags))


def private_mounts():
    """A mount namespace of one's own: what is mounted from now on ends with the process."""
    check(libc.unshare(CLONE_NEWNS))
    mount(b"none", "/", None, MS_REC | MS_PRIVATE, "")


ROOT = [0, 0, [], 0o022]


def become(caller):
    """Takes effective ids, groups and umask; capabilities follow the uid."""
    uid, gid, groups, umask = caller[:4]
    os.seteuid(0)
    os.setgroups(groups)
    os.setegid(gid)
    os.seteuid(uid)
    os.umask(umask)
