"""What is there at the end: the merged view as calls show it, and the upper directory as it lies on disk."""

import os
import stat
import zlib

from calls import describe, error_name


def read_all(path):
    with open(path, "rb", buffering=0) as file:
        return file.readall()


def xattrs_of(path):
    names = sorted(os.listxattr(path, follow_symlinks=False))
    return {name: os.getxattr(path, name, follow_symlinks=False).decode("latin-1") for name in names}


def dump_tree(path, shown, tokens, out):
    """The merged view: [path, stat fields, what is in it, xattrs] of every name, in directory order.

    A name that cannot be looked at stands as [path, error].
    """
    try:
        dump_name(path, shown, tokens, out)
    except OSError as error:
        out.append([shown or "/", error_name(error)])


def dump_name(path, shown, tokens, out):
    status = os.lstat(path)
    kind = stat.S_IFMT(status.st_mode)
    detail = None
    if kind == stat.S_IFREG:
        detail = zlib.crc32(read_all(path))
    elif kind == stat.S_IFLNK:
        detail = os.readlink(path)
    out.append([shown or "/", describe(status, tokens), detail, xattrs_of(path)])
    if kind == stat.S_IFDIR:
        for name in sorted(os.listdir(path), key=os.fsencode):
            dump_tree(path + "/" + name, shown + "/" + name, tokens, out)


def describe_upper(path, shown):
    status = os.lstat(path)
    kind = stat.S_IFMT(status.st_mode)
    detail = None
    if kind == stat.S_IFREG:
        detail = zlib.crc32(read_all(path))
    elif kind == stat.S_IFLNK:
        detail = os.readlink(path)
    return {
        "path": shown,
        "type": kind,
        "mode": stat.S_IMODE(status.st_mode),
        "uid": status.st_uid,
        "gid": status.st_gid,
        "rdev": status.st_rdev,
        "size": status.st_size,
        "mtime": str(status.st_mtime_ns),
        "ino": status.st_ino,
        "detail": detail,
        "xattrs": xattrs_of(path),
    }


def dump_upper(path, shown, out):
    """The upper directory as it lies on disk."""
    line = describe_upper(path, shown or "/")
    out.append(line)
    if line["type"] == stat.S_IFDIR:
        for name in sorted(os.listdir(path), key=os.fsencode):
            dump_upper(path + "/" + name, shown + "/" + name, out)


def paths_by_inode(root):
    found = {}
    for directory, below, names in os.walk(root):
        # A symlink to a directory is among those below.
        for name in below + names:
            path = directory + "/" + name
            found.setdefault(os.lstat(path).st_ino, []).append(path[len(root) :])
    return found


def dump_index(index, lowers):
    """What `index=on` keeps of hardlinked lower files that were copied up: each with the file's lower names.

    The name of an entry is the lower file's handle in hexadecimal; that of tmpfs has the inode number
    in its second and third word.
    """
    out = []
    # `#1` and the like are temporary names.
    names = [name for name in os.listdir(index) if name[0] != "#"] if os.path.isdir(index) else []
    if names:
        found = {}
        for root in lowers:
            found.update(paths_by_inode(root))
        for name in names:
            handle = bytes.fromhex(name)[-12:]
            inode = int.from_bytes(handle[4:8], "little") | int.from_bytes(handle[8:12], "little") << 32
            line = describe_upper(index + "/" + name, name)
            line["lower"] = found.get(inode, [])
            out.append(line)
    return out
