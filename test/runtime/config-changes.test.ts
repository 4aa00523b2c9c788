/**
 * Dockerfile instructions as `commit --change` takes them.
 */
import { expect, test } from "vitest";
import type { ExecutionConfig } from "../../src/oci/config.ts";
import { changeConfig } from "../../src/runtime/config-changes.ts";

const BASE: ExecutionConfig = {
  Env: ["PATH=/bin", "A=1"],
  Cmd: ["/bin/sh"],
  WorkingDir: "/srv",
  Labels: { k: "v" },
};

test.each<[string[], ExecutionConfig]>([
  [['CMD ["a","b c"]'], { Cmd: ["a", "b c"] }],
  [["cmd echo hi"], { Cmd: ["/bin/sh", "-c", "echo hi"] }],
  [["CMD [not json"], { Cmd: ["/bin/sh", "-c", "[not json"] }],
  [['ENTRYPOINT ["/e"]'], { Entrypoint: ["/e"], Cmd: undefined }],
  [['CMD ["c"]', 'ENTRYPOINT ["/e"]'], { Entrypoint: ["/e"], Cmd: ["c"] }],
  [["ENV A=2 B=3"], { Env: ["PATH=/bin", "A=2", "B=3"] }],
  [['ENV B="two words" C=a\\ b D='], { Env: ["PATH=/bin", "A=1", "B=two words", "C=a b", "D="] }],
  [["ENV B the rest of it"], { Env: ["PATH=/bin", "A=1", "B=the rest of it"] }],
  [
    ["EXPOSE 80 53/udp 8000-8001/tcp"],
    { ExposedPorts: { "80/tcp": {}, "53/udp": {}, "8000/tcp": {}, "8001/tcp": {} } },
  ],
  [['LABEL a="x y" __proto__=p'], { Labels: JSON.parse('{"k":"v","a":"x y","__proto__":"p"}') }],
  [["ONBUILD RUN x", "ONBUILD RUN y"], { OnBuild: ["RUN x", "RUN y"] }],
  [["STOPSIGNAL SIGINT"], { StopSignal: "SIGINT" }],
  [["USER me:staff"], { User: "me:staff" }],
  [['VOLUME ["/a","/b c"]', "VOLUME /d /e"], { Volumes: { "/a": {}, "/b c": {}, "/d": {}, "/e": {} } }],
  [["WORKDIR sub/../x"], { WorkingDir: "/srv/x" }],
  [["WORKDIR /y", "WORKDIR z"], { WorkingDir: "/y/z" }],
])("%j", (instructions, expected) => {
  const { ...merged } = { ...BASE, ...expected };
  expect(changeConfig(BASE, instructions)).toEqual(merged);
});

test.each([
  ["RUN x", "RUN is not a valid change command"],
  ["from y", "FROM is not a valid change command"],
  ["", " is not a valid change command"],
  ["ENV A", "ENV must have two arguments"],
  ["ENV =x", "ENV names can not be blank"],
  ["LABEL a=1 b", 'can\'t find = in "b"'],
  ["LABEL a='1", "unexpected end of statement while looking for matching single-quote"],
  ["EXPOSE http", "invalid containerPort: http"],
  ["EXPOSE 70000", "invalid containerPort: 70000"],
  ["EXPOSE 9-3", "invalid containerPort: 9-3"],
  ["USER", "USER requires exactly one argument"],
  ["WORKDIR", "WORKDIR requires exactly one argument"],
])("refused: %j", (instruction, message) => {
  expect(() => changeConfig(BASE, [instruction])).toThrow(message);
});
