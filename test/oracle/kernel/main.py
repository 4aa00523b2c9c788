"""Linux itself as the judge of a mount: kernel overlayfs, or a plain directory, on tmpfs.

A process that reads one request a line on standard input and answers each with one line on standard
output, in order; several may be in flight. Standard library only; needs root.

    {"mount": "index", "layers": [LAYER, ...], "operations": [OPERATION, ...]}
    {"results": [...], "tree": [...], "upper": [...], "index": [...]}

The first line it prints tells what the machine is like: {"protectedHardlinks": 1}.

`mount` is `default` (no options), `index` (`index=on,redirect_dir=on`) or `plain`: the layers merged
into an ordinary directory, which tells what Linux does when no overlay is in between. A result is the
name of an error (a string) or what the call gave (never a string). See `scenario.ts` for the rest.

Everything happens inside a private mount namespace and, for the operations, inside a chroot, so that
`/`, `..` and absolute symlinks mean the mount.
"""

import json
import os
import sys
import tempfile

from calls import Session
from dump import dump_index, dump_tree, dump_upper
from linux import MNT_DETACH, MS_NOATIME, mount, private_mounts, umount
from lowers import Mounted

# A tmpfs is dropped as a whole, with the overlays mounted in it: each unmounting by itself would wait
# some milliseconds for the kernel's other processors, and removing what is in it costs as much.
SEQUENCES_PER_TMPFS = 500


def run(request, base, real_root):
    mounted = Mounted(base, request["mount"], request["layers"])
    root = os.open(mounted.merged, os.O_RDONLY | os.O_DIRECTORY)
    os.fchdir(root)
    os.chroot(".")
    session = Session(root)
    try:
        results = [session.run(operation) for operation in request["operations"]]
    finally:
        session.finish()
        os.close(root)
        os.fchdir(real_root)
        os.chroot(".")
    tree = []
    dump_tree(mounted.merged, "", session.tokens, tree)
    answer = {"results": results, "tree": tree}
    if request["mount"] != "plain":
        upper = []
        dump_upper(mounted.upper, "", upper)
        answer["upper"] = upper
        answer["index"] = dump_index(mounted.index, mounted.lowers)
    return answer


def main():
    private_mounts()
    directory = tempfile.mkdtemp(prefix="oracle-")
    os.chdir(directory)
    real_root = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    with open("/proc/sys/fs/protected_hardlinks") as file:
        print(json.dumps({"protectedHardlinks": int(file.read())}), flush=True)
    os.umask(0o022)
    count = 0
    try:
        for line in sys.stdin:
            if count % SEQUENCES_PER_TMPFS == 0:
                if count > 0:
                    umount(directory, MNT_DETACH)
                mount(b"none", directory, b"tmpfs", MS_NOATIME, "mode=0755")
            request = json.loads(line)
            try:
                answer = run(request, "%s/%d" % (directory, count), real_root)
            except OSError as error:
                answer = {"failed": str(error)}
            count += 1
            sys.stdout.write(json.dumps(answer, separators=(",", ":")) + "\n")
            sys.stdout.flush()
    finally:
        os.fchdir(real_root)
        umount(directory, MNT_DETACH)
        os.rmdir(directory)


main()
