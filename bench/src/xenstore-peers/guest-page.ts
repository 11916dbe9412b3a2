import { closeSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs'

export const PAGE_BYTES = 4096

/** A guest's ring page and event channel, as the guest has them. */
export interface GuestPage {
  read(offset: number, target: Uint8Array): void
  write(offset: number, source: Uint8Array): void
  /** Raises the event at the daemon. */
  notify(): void
  /** Calls `onEvent` for each event that the daemon raises. */
  listen(onEvent: () => void): void
  /** The guest is no more. */
  close(): void
}

/** What a page's file has beside it: the guest's half of its event channel. */
export interface GuestEvents {
  notify(): void
  listen(onEvent: () => void): void
}

/** A page that another process has mapped; what is written to the file is in the mapping at once. */
export function filePage(path: string, events: GuestEvents): GuestPage {
  writeFileSync(path, new Uint8Array(PAGE_BYTES))
  const file = openSync(path, 'r+')
  return {
    read: (offset, target) => void readSync(file, target, 0, target.length, offset),
    write: (offset, source) => void writeSync(file, source, 0, source.length, offset),
    notify: () => events.notify(),
    listen: (onEvent) => events.listen(onEvent),
    close: () => {
      // An event can still be on its way.
      events.listen(() => {})
      closeSync(file)
    },
  }
}

/** A page that a daemon in this process has mapped. */
export function memoryPage(bytes: Uint8Array, events: GuestEvents): GuestPage {
  return {
    read: (offset, target) => target.set(bytes.subarray(offset, offset + target.length)),
    write: (offset, source) => bytes.set(source, offset),
    notify: () => events.notify(),
    listen: (onEvent) => events.listen(onEvent),
    close: () => {},
  }
}
