"""Runs command lines by a real bash in a chroot, each over a fresh overlay of one tree.

usage: unshare --mount python3 chroot.py ROOTFS SHELL < cases.json

Reads a JSON list of {"line", "stdin", "uid", "gid", "umask"}, and writes one JSON line a case: status, output,
what the upper directory then holds, and what is no longer there. SHELL is opened before the chroot and
run by its descriptor, so that it needs no name in the tree.
"""
import base64
import hashlib
import json
import os
import stat
import subprocess
import sys

ROOTFS, SHELL = sys.argv[1:3]
BASE = "/mnt"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def run(*words):
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)


def text(value):
    return base64.b64encode(value).decode("ascii")


def enter(root, shell, case):
    def setup():
        os.chroot(root)
        os.chdir("/")
        os.umask(case.get("umask", 0o022))
        if case.get("uid"):
            os.setgroups([])
            os.setgid(case.get("gid", case["uid"]))
            os.setuid(case["uid"])
    return setup


def describe(path):
    told = os.lstat(path)
    kind = stat.S_IFMT(told.st_mode)
    entry = {
        "mode": told.st_mode, "uid": told.st_uid, "gid": told.st_gid,
        "nlink": told.st_nlink, "size": told.st_size, "mtime": told.st_mtime_ns, "rdev": told.st_rdev,
        "xattrs": {},
    }
    for name in os.listxattr(path, follow_symlinks=False):
        if not name.startswith("trusted.overlay."):
            entry["xattrs"][name] = text(os.getxattr(path, name, follow_symlinks=False))
    if kind == stat.S_IFLNK:
        entry["target"] = text(os.readlink(path))
    elif kind == stat.S_IFREG:
        with open(path, "rb") as file:
            entry["digest"] = hashlib.sha256(file.read()).hexdigest()
    return entry


def upper_paths(upper):
    """Every path of the upper directory, and which of them are whiteouts."""
    pending = [b""]
    while pending:
        directory = pending.pop()
        for entry in os.scandir(os.path.join(upper, directory[1:])):
            path = directory + b"/" + entry.name
            told = entry.stat(follow_symlinks=False)
            gone = stat.S_ISCHR(told.st_mode) and told.st_rdev == 0
            yield path, gone
            if entry.is_dir(follow_symlinks=False):
                pending.append(path)


def one(number, case, shell):
    space = f"{BASE}/{number}"
    for name in ("", "/u", "/w", "/m"):
        os.mkdir(space + name)
    root = space + "/m"
    run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={ROOTFS},upperdir={space}/u,workdir={space}/w,index=on", root)
    run("mount", "--rbind", "/dev", root + "/dev")
    run("mount", "-t", "proc", "proc", root + "/proc")
    try:
        done = subprocess.run(
            ["bash", "-c", case["line"]], executable=f"/proc/self/fd/{shell}", pass_fds=[shell],
            input=case.get("stdin", "").encode("latin1"), capture_output=True, timeout=60,
            env={"PATH": PATH, "HOME": "/root", "TERM": "xterm"}, preexec_fn=enter(root, shell, case),
        )
    finally:
        run("umount", root + "/proc")
        run("umount", "-l", root + "/dev")
    tree, gone = {}, []
    for path, whiteout in upper_paths((space + "/u").encode()):
        if whiteout:
            gone.append(text(path))
        else:
            tree[text(path)] = describe(root.encode() + path)
    asked = {}
    for path in case.get("ask", []):
        full = root.encode() + base64.b64decode(path)
        asked[path] = describe(full) if os.path.lexists(full) else None
    run("umount", root)
    return {"status": done.returncode, "stdout": text(done.stdout), "stderr": text(done.stderr), "tree": tree, "gone": gone, "asked": asked}


def main():
    run("mount", "-t", "tmpfs", "none", BASE)
    shell = os.open(SHELL, os.O_RDONLY)
    for number, case in enumerate(json.load(sys.stdin)):
        print(json.dumps(one(number, case, shell)), flush=True)


main()
