/**
 * `strata completion`: what makes a shell complete `strata` command lines. Each script asks the command
 * itself (`__complete`), so commands, flags and names are always those of the day.
 */
import type { Command } from "commander";
import type { Context } from "./context.ts";
import { Failure } from "./failure.ts";
import { checkArguments } from "./help.ts";

const HELP = `
bash:  strata completion bash > ~/.local/share/bash-completion/completions/strata
zsh:   strata completion zsh > "\${fpath[1]}/_strata"
fish:  strata completion fish > ~/.config/fish/completions/strata.fish
`;

/** bash takes a word apart at colons and equals signs: what stands before the last one must not be repeated. */
const BASH = `# strata completion for bash
_strata() {
  local line=\${COMP_LINE:0:COMP_POINT} words word cut candidate
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  word=\${words[-1]}
  cut=\${word%"\${COMP_WORDS[COMP_CWORD]}"}
  [[ \${COMP_WORDS[COMP_CWORD]} == [:=] ]] && cut=$word
  COMPREPLY=()
  while IFS=$'\\t' read -r candidate _; do
    [[ $candidate == "$word"* ]] && COMPREPLY+=("\${candidate#"$cut"}")
  done < <("\${words[0]}" __complete "\${words[@]:1}" 2>/dev/null)
}
complete -o default -F _strata strata
`;

const ZSH = `#compdef strata
# strata completion for zsh
_strata() {
  local line
  local -a found
  for line in "\${(@f)$("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( \${#found} )); then
    _describe strata found
  else
    _files
  fi
}
if [[ "\${funcstack[1]}" == _strata ]]; then
  _strata "$@"
else
  compdef _strata strata
fi
`;

const FISH = `# strata completion for fish
function __strata_complete
    set -l words (commandline -opc)
    $words[1] __complete $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c strata -a '(__strata_complete)'
`;

const SCRIPTS: ReadonlyMap<string, string> = new Map([
  ["bash", BASH],
  ["fish", FISH],
  ["zsh", ZSH],
]);

export function define(command: Command, context: Context): void {
  command
    .usage("bash|zsh|fish")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[]) => {
      checkArguments(command, args.length, 1, 1);
      const script = SCRIPTS.get(args[0]!);
      if (script === undefined) throw new Failure(`strata: there is no completion for '${args[0]}'`);
      await context.write(script);
    });
}
