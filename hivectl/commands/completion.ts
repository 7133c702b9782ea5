import type { Context } from '../context.js';

/** `hivectl completion`: the script asks hivectl itself (`hivectl __complete`) at every press of Tab. */
export async function completion(context: Context, args: { shell: string }): Promise<void> {
  context.terminal.out(scripts[args.shell as keyof typeof scripts]);
}

// Bash breaks words at colons, of which every full name has one: the line is cut by hand, and what stands before the
// last colon of the word is taken off the answers.
const bash = String.raw`_hivectl() {
  local line="${'${COMP_LINE:0:COMP_POINT}'}" word prefix="" answer
  word="${'${line##* }'}"
  [[ "$word" == *:* ]] && prefix="${'${word%:*}'}:"
  local -a words
  read -ra words <<<"$line"
  [[ "$line" == *" " ]] && words+=("")
  COMPREPLY=()
  while IFS= read -r answer; do COMPREPLY+=("${'${answer#"$prefix"}'}"); done < <(hivectl __complete "${'${words[@]:1}'}" 2>/dev/null)
}
complete -o default -F _hivectl hivectl
`;

const zsh = String.raw`#compdef hivectl
_hivectl() {
  local -a answers
  answers=("${'${(@f)$(hivectl __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}'}")
  if (( ${'${#answers}'} )) && [[ -n "${'${answers[1]}'}" ]]; then compadd -- "${'${answers[@]}'}"; else _files; fi
}
if [ "$funcstack[1]" = "_hivectl" ]; then _hivectl "$@"; else compdef _hivectl hivectl; fi
`;

const fish = String.raw`complete -c hivectl -f -a '(hivectl __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
complete -c hivectl -n 'string match -qr -- "^(config validate|source add|service create|service update)" (string join " " (commandline -opc)[2..-1])' -F
`;

const scripts = { bash, zsh, fish };
