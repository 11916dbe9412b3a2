import type { Platform } from '@split-driver/platform'
import type { ExitCode } from '../exit-code.js'

/** What the commands need from outside. */
export interface CommandWorld {
  /** Opens the world that daemons serve. */
  openPlatform(): Promise<Platform>
}

/** What a command tells its surroundings. */
export interface CommandHost extends CommandWorld {
  /** The command has done its work. */
  finish(code: ExitCode): void
}
