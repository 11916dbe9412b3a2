export const shells = ['bash', 'zsh', 'fish'] as const

export type Shell = (typeof shells)[number]

/**
 * What each shell must be told. Each asks the command itself what may come, so that domains are known by their names; where
 * it says nothing, the shell offers files.
 */
export const shellScripts: Readonly<Record<Shell, string>> = {
  bash: `_split_driver() {
  local IFS=$'\\n'
  COMPREPLY=($(split-driver complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _split_driver split-driver
`,
  zsh: `#compdef split-driver
_split_driver() {
  local -a found
  found=("\${(@f)$(split-driver complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$found" ]]; then compadd -a found; else _files; fi
}
if [[ "$funcstack[1]" = _split_driver ]]; then _split_driver; else compdef _split_driver split-driver; fi
`,
  fish: `function __split_driver_complete
  set -l words (commandline -opc) (commandline -ct)
  split-driver complete -- $words[2..-1] 2>/dev/null
end
complete -c split-driver -n 'test -n "(__split_driver_complete)"' -f
complete -c split-driver -a '(__split_driver_complete)'
`,
}
