import type { ByteChannel } from '@split-driver/xenbus'
import { InvalidArgumentError } from 'commander'
import { ExitCode } from '../exit-code.js'
import { EventFeed } from './event-feed.js'
import type { ToolOutput } from './tool-output.js'

export interface WatchOptions {
  /** Events after which it is enough. */
  readonly number?: number
  /** Levels below each path that are watched. */
  readonly depth?: number
}

/** xenstore-watch. */
export const watch = async (
  channel: ByteChannel,
  output: ToolOutput,
  paths: string[],
  { number = Number.POSITIVE_INFINITY, depth }: WatchOptions,
): Promise<ExitCode> => {
  const feed = new EventFeed(channel)
  for (const path of paths) await feed.watch(path, depth)
  for (let count = 0; count < number; count++) await output.print(`${await feed.next()}\n`)
  return ExitCode.Okay
}

export const levels = (text: string): number => {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.')
  return Number(text)
}

/** −1 is no limit; none is waited for below that. */
export const eventCount = (text: string): number => {
  if (!/^-?\d{1,9}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.')
  return Number(text) === -1 ? Number.POSITIVE_INFINITY : Number(text)
}
