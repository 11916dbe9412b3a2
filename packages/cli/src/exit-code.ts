/** What `split-driver` tells whoever started it. */
export const ExitCode = {
  /** Done, or stopped in order. */
  Okay: 0,
  /** This machine, or something on it, does not let the command do its work. */
  Failed: 1,
  /** The command line or the configuration makes no sense. */
  Usage: 2,
  /** The daemon that was asked refused; only `xenstore control` tells that apart. */
  Refused: 3,
} as const

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]
