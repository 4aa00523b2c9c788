/**
 * Values of flags and instructions (rules 5.3): ports, signals, durations, mounts, owners, modes.
 */
import { describe, expect, test } from "vitest";
import { formatDuration, parseDuration } from "../../src/build/dockerfile/durations.ts";
import { parsePorts } from "../../src/build/dockerfile/ports.ts";
import { parseMount } from "../../src/build/dockerfile/run-mounts.ts";
import { signalNumber } from "../../src/build/dockerfile/signals.ts";
import { parseMode } from "../../src/build/files/mode.ts";
import { parseOwner } from "../../src/build/files/owner.ts";

test.each<[string, readonly string[] | string]>([
  ["80", ["80/tcp"]],
  ["80/tcp", ["80/tcp"]],
  ["53/UDP", ["53/udp"]],
  ["1/sctp", ["1/sctp"]],
  ["80/", ["80/tcp"]],
  ["8000-8002", ["8000/tcp", "8001/tcp", "8002/tcp"]],
  ["8000-8001/udp", ["8000/udp", "8001/udp"]],
  ["0", ["0/tcp"]],
  ["65535", ["65535/tcp"]],
  ["8080:80", ["80/tcp"]],
  ["127.0.0.1:8080:80", ["80/tcp"]],
  ["127.0.0.1::80", ["80/tcp"]],
  ["[::1]:8080:80", ["80/tcp"]],
  ["9000-9001:80-81", ["80/tcp", "81/tcp"]],
  ["9000-9001:80", ["80/tcp"]],
  ["65536", "invalid containerPort: 65536"],
  ["http", "invalid containerPort: http"],
  ["9-3", "invalid containerPort: 9-3"],
  ["1-2-3", "invalid containerPort: 1-2-3"],
  ["-1", "invalid containerPort: -1"],
  ["80/icmp", "invalid proto: icmp"],
  ["/tcp", "no port specified: /tcp<empty>"],
  ["x:80", "invalid hostPort: x"],
  ["1-3:80-81", "invalid ranges specified for container and host Ports: 80-81 and 1-3"],
  ["300.0.0.1:80:80", "invalid IP address: 300.0.0.1"],
])("EXPOSE %s", (word, expected) => {
  const parsed = parsePorts(word);
  expect("problem" in parsed ? parsed.problem : parsed.ports).toEqual(expected);
});

test.each<[string, number | undefined]>([
  ["SIGTERM", 15],
  ["TERM", 15],
  ["sigterm", 15],
  ["9", 9],
  ["64", 64],
  ["RTMIN", 34],
  ["SIGRTMIN+3", 37],
  ["RTMAX-1", 63],
  ["WINCH", 28],
  ["0", undefined],
  ["65", undefined],
  ["RTMIN-1", undefined],
  ["SIGFOO", undefined],
  ["SIG", undefined],
  ["", undefined],
  ["1.5", undefined],
])("STOPSIGNAL %s is %s", (text, expected) => {
  expect(signalNumber(text)).toBe(expected);
});

test.each<[string, bigint | string]>([
  ["0", 0n],
  ["5s", 5_000_000_000n],
  ["1h2m3s4ms5us6ns", 3_723_004_005_006n],
  ["1.5h", 5_400_000_000_000n],
  [".5s", 500_000_000n],
  ["1.s", 1_000_000_000n],
  ["+5m", 300_000_000_000n],
  ["-1ms", -1_000_000n],
  ["3µs", 3_000n],
  ["", 'invalid duration ""'],
  ["5", "missing unit"],
  ["1s5", "missing unit"],
  ["s", "invalid duration"],
  [".s", "invalid duration"],
  ["1d", 'unknown unit "d"'],
  ["1 s", "unknown unit"],
  ["--1s", "invalid duration"],
  ["3000000h", "invalid duration"],
])("the duration %j", (text, expected) => {
  const parsed = parseDuration(text);
  if (typeof expected === "bigint") expect(parsed).toEqual({ nanoseconds: expected });
  else expect("problem" in parsed && parsed.problem).toContain(expected);
});

test.each([
  [0, "0s"],
  [1, "1ns"],
  [1_500, "1.5µs"],
  [1_000_000, "1ms"],
  [30e9, "30s"],
  [90e9, "1m30s"],
  [3600e9, "1h0m0s"],
  [3_661_500_000_000, "1h1m1.5s"],
])("%d ns are %s", (nanoseconds, expected) => {
  expect(formatDuration(nanoseconds)).toBe(expected);
});

const expand = (word: string) => word.replaceAll("$X", "x");

describe("RUN --mount", () => {
  test.each<[string, object]>([
    ["type=bind,target=/a", { type: "bind", target: "/a", source: "", readOnly: true }],
    ["target=/a", { type: "bind", target: "/a", source: "", readOnly: true }],
    [
      "from=$X,source=$X/b,target=/a,rw",
      { type: "bind", from: "x", source: "x/b", target: "/a", readOnly: false },
    ],
    ["TYPE=BIND,dst=/a,src=b,ro=false", { type: "bind", target: "/a", source: "b", readOnly: false }],
    ["destination=/a,readwrite=false", { type: "bind", target: "/a", source: "", readOnly: true }],
    ['"target=/a,b",ro', { type: "bind", target: "/a,b", source: "", readOnly: true }],
    ["type=cache,target=/c", { type: "cache", target: "/c", source: "", sharing: "shared", readOnly: false }],
    [
      "type=cache,target=/c,id=i,sharing=LOCKED,mode=0700,uid=1,gid=2,from=s,source=/d,ro",
      {
        type: "cache",
        target: "/c",
        id: "i",
        sharing: "locked",
        mode: 0o700,
        uid: 1,
        gid: 2,
        from: "s",
        source: "/d",
        readOnly: true,
      },
    ],
    ["type=tmpfs,target=/t", { type: "tmpfs", target: "/t", readOnly: false }],
    ["type=tmpfs,target=/t,size=64m", { type: "tmpfs", target: "/t", size: 64 * 2 ** 20, readOnly: false }],
    [
      "type=tmpfs,target=/t,size=1.5GiB",
      { type: "tmpfs", target: "/t", size: 1.5 * 2 ** 30, readOnly: false },
    ],
    ["type=secret,id=s", { type: "secret", id: "s", target: "", required: false, readOnly: true }],
    [
      "type=secret,id=s,target=/s,required,mode=0400,uid=5,env=T",
      {
        type: "secret",
        id: "s",
        target: "/s",
        required: true,
        mode: 0o400,
        uid: 5,
        env: "T",
        readOnly: true,
      },
    ],
    [
      "type=secret,target=/run/x/name",
      { type: "secret", id: "name", target: "/run/x/name", required: false, readOnly: true },
    ],
    ["type=ssh", { type: "ssh", id: "default", target: "", required: false, readOnly: true }],
    ["type=ssh,id=k,required=true", { type: "ssh", id: "k", target: "", required: true, readOnly: true }],
  ])("%s", (text, expected) => {
    expect(parseMount(text, expand)).toEqual(expected);
  });

  test.each([
    ["type=nfs", 'unsupported mount type "nfs"'],
    ["type=tmpf", "(did you mean tmpfs?)"],
    ["target", "invalid field 'target' must be a key=value pair"],
    ["traget=/a", "unexpected key 'traget' in 'traget=/a' (did you mean target?)"],
    ["ro=maybe", "invalid value for ro: maybe"],
    ["type=bind,size=1", "unexpected key 'size' for mount type 'bind'"],
    ["type=bind,mode=1", 'mode not allowed for "bind" type mounts'],
    ["type=tmpfs,uid=1", 'uid not allowed for "tmpfs" type mounts'],
    ["type=tmpfs,size=big", "invalid value for size: big"],
    ["type=cache,mode=9", "invalid value 9 for mode"],
    ["type=cache,uid=x", "invalid value x for uid"],
    ["type=cache,sharing=x", 'unsupported sharing value "x"'],
    ["type=bind,sharing=shared", "invalid cache sharing set for bind mount"],
    ["type=bind,required", "unexpected key 'required' for mount type 'bind'"],
    ["type=secret", "one of source, target required"],
    ["type=secret,id=a,source=b", "both source and id can't be set"],
    ["type=secret,id=a,from=b", "secret mount should not have a from"],
    ['"target=/a', "failed to parse csv mounts"],
    ['target=/a"b', "failed to parse csv mounts"],
  ])("%s is refused", (text, reason) => {
    expect(() => parseMount(text, expand)).toThrow(reason);
  });
});

const FILES = {
  passwd: "root:x:0:0::/root:/bin/sh\nalice:x:1000:1001::/:/bin/sh\nbad:x:y:z::/:\n",
  group: "root:x:0:\nstaff:x:50:alice\n",
};

test.each([
  ["0", 0, 0],
  ["55", 55, 55],
  ["1:2", 1, 2],
  ["alice", 1000, 1001],
  ["alice:staff", 1000, 50],
  ["alice:7", 1000, 7],
  ["7:staff", 7, 50],
  ["root", 0, 0],
  ["alice:", 1000, 1001],
  [":staff", 0, 50],
])("--chown=%s", (text, uid, gid) => {
  expect(parseOwner(text, FILES)).toEqual({ uid, gid });
});

test.each([
  ["bob", "unable to find user bob: no matching entries in /etc/passwd"],
  ["alice:nobody", "unable to find group nobody: no matching entries in /etc/group"],
  ["a:b:c", "invalid chown string format: a:b:c"],
  ["", "invalid chown string format"],
  ["4294967295", "above 4294967294"],
  ["bad", "/etc/passwd has no ID for bad"],
])("--chown=%s is refused", (text, reason) => {
  expect(() => parseOwner(text, FILES)).toThrow(reason);
});

test("names need the files of the stage", () => {
  expect(() => parseOwner("alice", { passwd: undefined, group: undefined })).toThrow(
    "there is no /etc/passwd",
  );
  expect(parseOwner("3:4", { passwd: undefined, group: undefined })).toEqual({ uid: 3, gid: 4 });
});

test.each<[text: string, before: number, directory: boolean, after: number]>([
  ["755", 0o600, false, 0o755],
  ["0644", 0o777, false, 0o644],
  ["7777", 0, false, 0o7777],
  ["0", 0o777, true, 0],
  ["u=rwX,go=rX", 0o600, false, 0o644],
  ["u=rwX,go=rX", 0o700, false, 0o755],
  ["u=rwX,go=rX", 0o600, true, 0o755],
  ["a+x", 0o644, false, 0o755],
  ["+x", 0o644, false, 0o755],
  ["+w", 0o444, false, 0o644],
  ["go-rwx", 0o777, false, 0o700],
  ["u+s", 0o755, false, 0o4755],
  ["g+s,o+t", 0o755, true, 0o3755],
  ["g=u", 0o640, false, 0o660],
  ["o=", 0o777, false, 0o770],
  ["ug+rw-x", 0o111, false, 0o661],
  ["a=", 0o6755, false, 0],
])("--chmod=%s of %o", (text, before, directory, after) => {
  expect(parseMode(text)(before, directory).toString(8)).toBe(after.toString(8));
});

test.each(["8", "10000", "rwx", "u=q", "", "u+x,", "-1", "0x1"])("--chmod=%s is refused", (text) => {
  expect(() => parseMode(text)).toThrow("invalid chmod parameter");
});
