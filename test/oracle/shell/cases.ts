// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are scripts
/**
 * Command lines as people write them: from Dockerfiles, from work on trees, from text processing. Each is run
 * by the simulated shell and by real bash in a chroot of the same image; where the two differ for a
 * reason, the line stands in `differences.ts` too.
 */

export interface Line {
  readonly line: string;
  /** The images it is run over; both unless given. */
  readonly on?: "busybox" | "debian-base";
  readonly stdin?: string;
  /** Who runs it; root unless given. */
  readonly uid?: number;
  readonly umask?: number;
}

const debian = (line: string, more: Omit<Line, "line" | "on"> = {}): Line => ({
  line,
  on: "debian-base",
  ...more,
});
const busybox = (line: string, more: Omit<Line, "line" | "on"> = {}): Line => ({
  line,
  on: "busybox",
  ...more,
});
const both = (line: string, more: Omit<Line, "line" | "on"> = {}): Line => ({ line, ...more });

/** From Dockerfiles. */
const DOCKERFILE: readonly Line[] = [
  debian(
    "groupadd -r app && useradd -r -g app -d /srv/app -s /usr/sbin/nologin app && mkdir -p /srv/app && chown -R app:app /srv/app",
  ),
  debian("useradd -m -u 1000 -s /bin/bash node && id node && stat -c '%a %U:%G' /home/node"),
  debian(
    "groupadd --gid 1500 web; useradd --uid 1500 --gid web --shell /bin/sh --create-home web; getent passwd web; getent group web",
  ),
  debian("useradd a; useradd b; usermod -aG a b; id b; tail -n 3 /etc/group"),
  debian("useradd a; userdel a; id a; tail -n 1 /etc/passwd"),
  debian(
    'set -eux; savedAptMark="$(echo x)"; mkdir -p /usr/src/app; [ -d /usr/src/app ]; rm -rf /var/lib/apt/lists/*',
  ),
  both("mkdir -p /app/{bin,conf,log} && touch /app/conf/a.conf && chmod -R go-w,a+rX /app && ls -R /app"),
  both("set -e; echo 'deb http://example.invalid stable main' > /etc/sources.list; cat /etc/sources.list"),
  both(
    "printf '#!/bin/sh\\nset -e\\nexec \"$@\"\\n' > /entrypoint.sh && chmod +x /entrypoint.sh && /entrypoint.sh echo started",
  ),
  both("ln -sf /dev/stdout /var/access.log && ln -sf /dev/stderr /var/error.log && readlink /var/access.log"),
  both("set -o pipefail; false | cat; echo $?; true | cat && echo ok"),
  both("rm -rf /tmp/* /var/cache/* && mkdir -m 1777 -p /tmp/x && stat -c %a /tmp/x"),
  both("echo 'export A=1' > /etc/profile.local; . /etc/profile.local; echo $A"),
  both(
    "[ -f /etc/passwd ] && sed -i 's#^root:.*#root:x:0:0:root:/root:/bin/sh#' /etc/passwd; head -n 1 /etc/passwd",
  ),
  both(
    "export PREFIX=/opt/tool VERSION=1.2.3; mkdir -p $PREFIX/$VERSION; ln -s $VERSION $PREFIX/current; ls -l $PREFIX | wc -l; cd $PREFIX/current && pwd && pwd -P",
  ),
  both("if ! command -v nonesuch >/dev/null 2>&1; then echo missing; fi"),
  both("nonesuch --version"),
  both("/etc/passwd"),
  both("cd /nowhere && echo never; echo $?"),
  both("set -eu; echo ${UNSET:-default}; echo $UNSET; echo never"),
  both("exit 42"),
  both("false || exit 3; echo never"),
  both("(exit 5); echo $?; ! true; echo $?"),
  both("cat <<'EOF' > /etc/app.ini\n[main]\nkey = $value\n\ttab\nEOF\ncat /etc/app.ini"),
  both("cat <<-EOF\n\tindented $((6 * 7))\n\tEOF\n"),
  both("trap 'echo cleanup $?' EXIT; echo work; exit 4"),
];

/** Work on trees. */
const TREES: readonly Line[] = [
  both("mkdir a && cd a && echo 1 > x && cp x y && ln x z && ln -s x l && chmod 640 y && ls | sort"),
  both("echo data > f; ln f g; echo more >> g; cat f; rm f; cat g"),
  both("echo a > a; ln a b; mv a c; ls -1; stat -c '%h' b c"),
  both("mkdir -p d/e; echo 1 > d/e/f; cp -r d copy; cp -a d again; find copy again | sort"),
  both(
    "mkdir s; echo 1 > s/a; ln s/a s/b; ln -s a s/l; chmod 4755 s/a; touch -d '2001-02-03 04:05:06' s/a; touch -h -d '2002-02-03 04:05:06' s/l; touch -d '2003-02-03 04:05:06' s; cp -a s t; stat -c '%n %a %h %Y' t t/a t/b t/l",
  ),
  both(
    "umask 027; mkdir u; touch u/f; stat -c '%a %n' u u/f; (umask 0; touch u/g); touch u/h; stat -c '%a %n' u/g u/h; umask",
  ),
  both(
    "touch f; chmod 0 f; chmod u+rw,g=u,o= f; stat -c %a f; chmod a=,u+s,g+s,+t f; stat -c %a f; chmod =rX f; stat -c %a f",
  ),
  both(
    "mkdir d; chmod 2775 d; touch d/f; mkdir d/e; chgrp 50 d; mkdir d/g; touch d/h; stat -c '%a %g %n' d d/*",
  ),
  both(
    "touch f; chown 12:34 f; stat -c '%u:%g' f; chown :56 f; stat -c '%u:%g' f; chown 0 f; stat -c '%u:%g' f; chgrp 7 f; stat -c '%u:%g' f",
  ),
  both("touch f; chmod 6755 f; chown 5 f; stat -c %a f"),
  both("mkfifo -m 600 p; mknod n p; mknod c c 1 7; mknod -m 640 b b 8 1; stat -c '%F %a %t:%T %n' p n c b"),
  both("mkdir -p x/y/z; echo 1 > x/y/z/f; mv x/y w; find w x | sort; rmdir x; rm -r w; ls"),
  both(
    "mkdir full; touch full/f; rmdir full; echo $?; rm full; echo $?; rm -r full; echo $?; rm full; echo $?; rm -f full; echo $?",
  ),
  both(
    "mv nothing somewhere; echo $?; cp nothing somewhere; echo $?; ln nothing somewhere; echo $?; chmod 1 nothing; echo $?",
  ),
  both("echo abc > f; truncate -s 10 f; od -c f; truncate -s 2 f; wc -c < f"),
  both("touch -t 200102030405.06 f; stat -c %Y f; touch -r f g; stat -c %Y g; touch -c none; ls"),
  both(
    "ln -s b a; ln -s a b; cat a; echo $?; readlink -f /etc/../etc/./passwd; mkdir r; ln -s r q; cd q; pwd; realpath .",
  ),
  both(
    "ln -s target l; ln -sf other l; readlink l; mkdir d1 d2; ln -s d1 dl; ln -sfn d2 dl; readlink dl; ln -sf d1 dl; ls d2",
  ),
  debian(
    "install -d -m 750 -o 5 -g 6 i; echo 1 > s; install -m 4711 -o 7 -g 8 s i/t; install -D s j/k/l; stat -c '%a %u:%g %n' i i/t j j/k j/k/l",
  ),
  both("mkdir t; cd t; touch .hidden b a 'with space'; echo *; echo .h*; echo [ab]; echo ?; echo none*"),
  both(
    'cd /tmp; for f in one two three; do echo $f > $f.txt; done; for f in *.txt; do mv "$f" "${f%.txt}.md"; done; ls; cat *.md',
  ),
  both(
    "mkdir -p p/q; echo 1 > p/1; echo 22 > p/q/2; : > p/0; find p -type f -size -2c | sort; find p -name '*[12]' -exec cat {} +; find p -empty -delete; find p | sort",
  ),
  both(
    "mkdir f; cd f; touch a b c; find . -type f -name '[ab]' | xargs rm; ls; find . -maxdepth 1 -type f -exec sh -c 'echo got $1' _ {} \\;",
  ),
  both("mkdir k; touch k/keep k/drop; find k ! -name keep -type f -print -exec rm -f {} \\; ; ls k"),
  both(
    "mkdir o; touch o/a; chown 1000:1000 o/a; find o -user 1000 -print; find o -perm -u+r -type f; find o -newer /etc/passwd -type f",
  ),
  both("dd if=/dev/zero of=z bs=1024 count=4 2>/dev/null; wc -c < z; md5sum z"),
  both("mkdir d && cd d && rm -rf ../d && pwd; ls; touch f; echo $?"),
  both(
    "test -e /etc/passwd && test ! -L /etc/passwd && test -s /etc/passwd && [ -d /etc ] && [[ -r /etc/passwd && ! -x /etc/passwd ]] && echo tests",
  ),
  both(
    "mkfifo p; mknod c c 1 3; touch f; chmod 7000 f; for t in p c b S f d e s u g k O G; do [ -$t p ] && echo p$t; [ -$t c ] && echo c$t; [ -$t f ] && echo f$t; done; true",
  ),
  both("echo x > f; > f; wc -c < f; set -C; echo y > f; echo $?; echo z >| f; cat f"),
  both(
    "exec 3> log; echo one >&3; echo two >&3; exec 3>&-; cat log; { echo out; echo err >&2; } > both 2>&1; cat both",
  ),
  both("echo 1 > a; cp a b; cmp a b && echo same; echo 2 >> b; cmp -s a b || echo differ; diff a b"),
  both(
    'mktemp -d /tmp/x.XXXXXX > /tmp/name; [ -d "$(cat /tmp/name)" ] && stat -c %a "$(cat /tmp/name)"; rmdir "$(cat /tmp/name)"; rm /tmp/name',
  ),
  both(
    "printf 'a\\0b\\377\\200\\n' > bin; cat bin > copy; cmp bin copy && od -An -tx1 copy; x=$(printf '\\351'); echo $x > \"$x\"; ls | od -c | head -n 3",
  ),
  both(
    "tar -cf t.tar /etc/passwd 2>/dev/null; mkdir out; tar -xf t.tar -C out; cmp out/etc/passwd /etc/passwd && echo same; tar -tf t.tar; rm t.tar",
  ),
  both(
    "mkdir q; echo hi > q/f; ln q/f q/g; ln -s f q/l; chmod 600 q/f; chown 3:4 q/f; touch -d '2001-02-03 04:05:06' q/f; tar -czf q.tgz q; mkdir r; tar -xzpf q.tgz -C r; stat -c '%a %u:%g %h %Y %n' r/q/f r/q/g; readlink r/q/l; rm q.tgz",
  ),
  both("echo hello > f; gzip f; ls f*; gunzip -c f.gz; gzip -d f.gz; cat f"),
];

/** Without root. */
const PERMISSIONS: readonly Line[] = [
  both(
    "id -u; touch /etc/x; echo $?; mkdir /x; echo $?; cat /etc/passwd | head -n 1 > /tmp/mine; stat -c '%u:%g %a' /tmp/mine",
    { uid: 1000 },
  ),
  both(
    "cd /tmp; echo 1 > f; chmod 0 f; cat f; echo $?; chmod 400 f; cat f; echo 2 > f; echo $?; chown 0 f; echo $?",
    { uid: 1000 },
  ),
  both(
    "cd /tmp; mkdir d; touch d/f; chmod 500 d; rm d/f; echo $?; touch d/g; echo $?; chmod 0 d; ls d; echo $?; chmod 700 d; rm -r d; ls",
    { uid: 1000 },
  ),
  both(
    "[ -w /etc/passwd ] || echo no; [ -r /etc/passwd ] && echo yes; [ -x /bin ] && echo search; rm -f /etc/passwd; echo $?",
    { uid: 1000 },
  ),
];

/** Text. */
const TEXT: readonly Line[] = [
  both("cut -d: -f1,7 /etc/passwd | sort | head -n 5"),
  both(
    "grep -c : /etc/passwd; grep -v nologin /etc/passwd | grep -o '^[a-z]*' | head -n 2; grep nothing /etc/passwd; echo $?",
  ),
  both(
    "grep -rl root /etc/passwd /etc/group; grep -n -i ROOT /etc/group; grep -E '^(root|daemon):' /etc/group | wc -l",
  ),
  both(
    "sed -n '1,2p' /etc/group; sed -e 's/:/ /g' -e '1!d' /etc/passwd; printf 'a\\nb\\nc\\n' | sed '2i\\\nnew' | sed '$d'",
  ),
  both(
    "awk -F: '{ n += $3 } END { print NR, n }' /etc/passwd; awk 'BEGIN { printf \"%05.2f|%s\\n\", 3.14159, toupper(\"abc\") }'; awk -F: '$3 == 0 { print $1 }' /etc/passwd",
  ),
  both(
    "printf '3 c\\n1 a\\n2 b\\n10 d\\n' | sort -n | awk '{print $2}' | tr '\\n' ' '; printf 'b\\na\\nb\\n' | sort | uniq -c | sort -rn",
  ),
  both(
    "printf 'x=1\\ny=2\\n' | while IFS== read -r k v; do echo \"$k is $v\"; done; i=0; while [ $i -lt 3 ]; do i=$((i+1)); printf '%d ' $i; done; echo",
  ),
  both(
    "echo 'Hello World' | tr 'a-z' 'A-Z' | tr -d 'L' | rev; echo aabbcc | tr -s a-c; echo abc | tr abc xyz",
  ),
  both(
    "seq 1 10 | head -n 3 | paste -s -d, ; seq 1 10 | tail -n +9; seq 5 | xargs -n 2 echo; seq 3 | xargs -I{} echo item-{}",
  ),
  both(
    'a=(one two three); echo ${#a[@]} ${a[1]} "${a[@]:1}"; a+=(four); for x in "${a[@]}"; do printf \'<%s>\' "$x"; done; echo; declare -A m=([k]=v); echo ${m[k]}',
  ),
  both("s=path/to/file.tar.gz; echo ${s##*/} ${s%.*} ${s%%.*} ${s/to/from} ${s^^} ${#s} ${s:5:2}"),
  both('f() { local x=$1; echo "in $x"; return 3; }; f a; echo $?; x=out; f b; echo $x'),
  both(
    "case $(echo abc) in a*c) echo match;; *) echo none;; esac; for ((i=0;i<3;i++)); do echo -n $i; done; echo; until false; do break; done; select_=1; echo $select_",
  ),
  both("echo $((2**10)) $((7/2)) $((7%3)) $((1<<40)) $((0x1f)) $((-7/2)) $((9223372036854775807))"),
  both(
    "x=5; (( x > 3 )) && echo big; let y=x*2; echo $y; [[ abc =~ ^a(.)c$ ]] && echo ${BASH_REMATCH[1]}; [[ a == b ]] || echo ne",
  ),
  both("date -u -d @86400 '+%Y-%m-%d %H:%M:%S %a %j'; date -u -d @1000000000 +%s"),
  both(
    "printf '%s\\n' a 'b c' '*'; printf '%5d|%-5s|%x|%o|%e\\n' 42 ab 255 8 12345.678; printf '%q\\n' \"it's\"; echo -e 'a\\tb\\x41'; echo -n no; echo",
  ),
  both(
    "echo abc | base64; echo YWJjCg== | base64 -d; echo -n abc | sha256sum; echo -n abc | md5sum | cut -c1-8",
  ),
  both(
    "printf 'one two\\nthree\\n' | wc; printf 'abc' | wc -c; wc -l < /etc/group; printf 'a\\tb\\n' | expand -t 4; echo 'a b c' | fold -w 3",
  ),
  both(
    "echo out; echo err >&2; ls /nonexistent 2>/dev/null || echo failed; echo hidden > /dev/null; cat < /dev/null; head -c 4 /dev/zero | od -An -tx1",
  ),
  both('cat; read line; echo "[$line]"', { stdin: "first\nsecond\n" }),
  both('read a b; echo "$b $a"; cat', { stdin: "1 2 3\nrest\n" }),
  both("echo one | tee /tmp/t | cat; cat /tmp/t; yes | head -n 2"),
  both(
    "eval 'echo $((1+1))'; x=y; y=z; echo ${!x}; set -- a b c; shift; echo $# $*; getopts ab: o -b v; echo $o $OPTARG",
  ),
  both(
    "sh -c 'echo $0 $1 $#' zero one two; echo 'echo from $1' > s; sh s file; bash -c 'exit 9'; echo $?; env A=b sh -c 'echo $A'; A=c sh -c 'echo $A'",
  ),
  both("sleep 0.01 & wait; echo done; (echo a; echo b) | sort -r; { echo c; } ; echo $(echo d $(echo e))"),
  debian("comm <(printf 'a\\nb\\n') <(printf 'b\\nc\\n'); diff <(echo a) <(echo a) && echo same"),
  both('echo {a,b}{1..3}; echo ~; echo "$HOME"; IFS=:; set -- $(echo a:b:c); echo $2'),
  both(
    "expr 3 + 4; expr length abcd; basename /a/b.c .c; dirname /a/b.c; nl -ba /etc/group | head -n 1; tac /etc/group | tail -n 1",
  ),
  both("set -x; echo traced; set +x; (set -e; false; echo no); echo $?"),
  debian(
    "LC_ALL=C sort -t: -k3,3n /etc/passwd | tail -n 1 | cut -d: -f1; printf 'b,2\\na,1\\n' | sort -t, -k1 | join -t, - <(printf 'a,x\\nb,y\\n')",
  ),
  debian(
    "stat /etc/hostname >/dev/null 2>&1; ls -ln --full-time /etc/passwd | cut -d' ' -f1-5; ls -la --time-style=long-iso /usr/bin/passwd | cut -c1-24",
  ),
  debian(
    "ls -l /usr/bin/awk /etc/passwd | awk '{print $1, $2, $3, $4, $9}'; ls -d /etc /usr; ls -F /etc/alternatives | head -n 2",
  ),
  debian("perl -e 'print 1'"),
  busybox("busybox echo hi; /bin/busybox ls -d /etc; busybox sh -c 'echo nested'"),
  busybox("ls -l /etc | awk 'NR > 1 {print $1, $NF}'; which ls; test -x /bin/busybox && echo there"),
];

export const LINES: readonly Line[] = [...DOCKERFILE, ...TREES, ...PERMISSIONS, ...TEXT];
