"""Lowers as directories on disk, mounted as an overlay, or merged into a plain directory.

The nodes of a layer are described in `scenario.ts`. Hardlinks are made when all other names of a layer
are there, attributes of directories when all their names are.
"""

import os
import stat

from linux import MS_NOATIME, mount

SPECIAL = {"char": stat.S_IFCHR, "block": stat.S_IFBLK, "fifo": stat.S_IFIFO}
OPTIONS = {"default": "", "index": ",index=on,redirect_dir=on"}


def set_attributes(path, node):
    os.lchown(path, node["uid"], node["gid"])
    if node["kind"] != "symlink":
        os.chmod(path, node["mode"])
    for name, value in node["xattrs"].items():
        os.setxattr(path, name, value.encode("latin-1"), follow_symlinks=False)
    time = int(node["mtime"])
    os.utime(path, ns=(time, time), follow_symlinks=False)


def make_node(path, node):
    kind = node["kind"]
    if kind == "whiteout":
        os.mknod(path, stat.S_IFCHR, 0)
        return
    if kind == "file":
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        for offset, byte, length in node["extents"]:
            os.pwrite(fd, bytes([byte]) * length, offset)
        os.ftruncate(fd, node["size"])
        os.close(fd)
    elif kind == "symlink":
        os.symlink(node["target"], path)
    else:
        os.mknod(path, SPECIAL[kind] | 0o600, node.get("rdev", 0))
    set_attributes(path, node)


def remove(path):
    if stat.S_ISDIR(os.lstat(path).st_mode):
        for name in os.listdir(path):
            remove(path + "/" + name)
        os.rmdir(path)
    else:
        os.unlink(path)


class Layer:
    """Puts one layer into a directory: as it is for overlayfs, or `merging` it with what is there."""

    def __init__(self, root, node, merging):
        self.merging = merging
        self.links = []
        self.directories = []
        self.directory(root, node)
        for path, target in self.links:
            if merging and os.path.lexists(path):
                remove(path)
            os.link(root + target, path, follow_symlinks=False)
        for path, node in reversed(self.directories):
            set_attributes(path, node)

    def directory(self, path, node):
        self.directories.append((path, node))
        if self.merging:
            for name in os.listxattr(path):
                os.removexattr(path, name)
            if node["opaque"]:
                for name in os.listdir(path):
                    remove(path + "/" + name)
        elif node["opaque"]:
            os.setxattr(path, "trusted.overlay.opaque", b"y")
        for child in node["children"]:
            self.name(path + "/" + child["name"], child)

    def name(self, path, node):
        kind = node["kind"]
        there = self.merging and os.path.lexists(path)
        if kind == "hardlink":
            self.links.append((path, node["target"]))
        elif kind == "directory":
            if there and not stat.S_ISDIR(os.lstat(path).st_mode):
                os.unlink(path)
                there = False
            if not there:
                os.mkdir(path)
            self.directory(path, node)
        else:
            if there:
                remove(path)
            if not (self.merging and kind == "whiteout"):
                make_node(path, node)


class Mounted:
    """One merged tree at `merged`, on a tmpfs; for an overlay, its upper directory at `upper`."""

    def __init__(self, base, kind, layers):
        self.merged = base + "/m"
        self.upper = base + "/u"
        self.index = base + "/w/index"
        self.lowers = []
        os.mkdir(base)
        os.mkdir(self.merged)
        if kind == "plain":
            for layer in layers:
                Layer(self.merged, layer, merging=True)
            self.set_times(self.merged, layers)
            return
        for index, layer in enumerate(layers):
            path = "%s/%d" % (base, index)
            os.mkdir(path)
            Layer(path, layer, merging=False)
            self.lowers.insert(0, path)
        os.mkdir(base + "/w")
        os.mkdir(self.upper)
        # The root of the merged view has the attributes of the upper's: give it those of the top layer.
        set_attributes(self.upper, layers[-1])
        options = "lowerdir=%s,upperdir=%s,workdir=%s/w%s" % (":".join(self.lowers), self.upper, base, OPTIONS[kind])
        mount(b"overlay", self.merged, b"overlay", MS_NOATIME, options)

    def set_times(self, path, nodes):
        """The time of a directory is what the last layer that has it said, whatever came and went in it."""
        names = {}
        for node in nodes:
            for child in node["children"]:
                names.setdefault(child["name"], []).append(child)
        for name, versions in names.items():
            below = path + "/" + name
            if os.path.isdir(below) and not os.path.islink(below):
                self.set_times(below, [node for node in versions if node["kind"] == "directory"])
        time = int(nodes[-1]["mtime"])
        os.utime(path, ns=(time, time))
