import { distinctUntilChanged, map, Observable } from 'rxjs'
import type { DeviceEvents } from './device/device-events.js'
import type { Key } from './keys/key.js'
import { type KeySet, type KeyShapes, type KeyValues, parseKey } from './keys/key-set.js'
import type { XenbusState } from './state.js'
import type { CallOptions, WatchOptions, XenStore } from './xenstore.js'

/** What of a watch is observed; the signal is the subscription's end. */
export type ObserveOptions = Pick<WatchOptions, 'depth'>

/**
 * Looks at each event of a watch, one look at a time: while one takes long, the watch collapses what comes (rule 36, S8).
 * Each subscription is a watch of its own, which its end takes away, also while it is still being registered.
 */
const observeLooks = <T>(
  store: Pick<XenStore, 'watch'>,
  path: string,
  look: (changed: string, options: CallOptions) => T | Promise<T>,
  { depth }: ObserveOptions = {},
): Observable<T> =>
  new Observable((subscriber) => {
    const ending = new AbortController()
    const { signal } = ending
    const follow = async (): Promise<void> => {
      await using watch = await store.watch(path, { depth, signal })
      // How the closing went is told by the end of the scope.
      subscriber.add(() => void watch.close().catch(() => undefined))
      for await (const changed of watch) subscriber.next(await look(changed, { signal }))
    }
    follow().then(
      () => subscriber.complete(),
      (error: unknown) => {
        if (!signal.aborted) subscriber.error(error)
      },
    )
    return () => ending.abort()
  })

/** Paths that change at and below `path`, beginning with one of its own. Each subscription is a watch of its own. */
export const observePaths = (
  store: Pick<XenStore, 'watch'>,
  path: string,
  options?: ObserveOptions,
): Observable<string> => observeLooks(store, path, (changed) => changed, options)

/** The value at `path` now and whenever it differs; `undefined` while there is no such node. */
export const observeValue = (
  store: Pick<XenStore, 'watch' | 'tryRead'>,
  path: string,
): Observable<string | undefined> =>
  observeLooks(store, path, (_, options) => store.tryRead(path, options)).pipe(distinctUntilChanged())

/**
 * A typed value now and whenever it differs; while there is no such node, the key's default, or `undefined`. It fails with
 * BAD_KEY as soon as the value makes no sense (rule 37).
 */
export const observeKey = <T>(
  store: Pick<XenStore, 'watch' | 'tryRead'>,
  path: string,
  key: Key<T>,
): Observable<T | undefined> =>
  observeLooks(store, path, async (_, options) => {
    const text = await store.tryRead(path, options)
    return { text, value: text === undefined ? key.fallback?.value : parseKey(key, path, text) }
  }).pipe(
    distinctUntilChanged((one, other) => one.text === other.text),
    map(({ value }) => value),
  )

/**
 * All keys of a directory, of one moment each time, now and whenever one of them differs.
 * It fails as `KeySet.readTogether` does: when a key without a default is missing, or one makes no sense.
 */
export const observeKeys = <Shapes extends KeyShapes>(
  store: Pick<XenStore, 'watch' | 'transaction'>,
  directory: string,
  keys: KeySet<Shapes>,
): Observable<KeyValues<Shapes>> => {
  const textOf = (values: KeyValues<Shapes>): string => JSON.stringify(keys.format(values))
  return observeLooks(store, directory, (_, options) => keys.readTogether(store, directory, options)).pipe(
    distinctUntilChanged((one, other) => textOf(one) === textOf(other)),
  )
}

/** The part of a device that is observed; every FrontendDevice and BackendDevice has it. */
export interface ObservableDevice {
  readonly state: XenbusState
  readonly otherendState: XenbusState | undefined
  on<Name extends keyof DeviceEvents>(event: Name, listener: DeviceEvents[Name]): unknown
  off<Name extends keyof DeviceEvents>(event: Name, listener: DeviceEvents[Name]): unknown
}

/** Completes when the device is closed for good. */
const observeEvent = <T>(
  device: ObservableDevice,
  event: 'state' | 'otherend-state',
  current: () => T,
): Observable<T> =>
  new Observable((subscriber) => {
    const next = (): void => subscriber.next(current())
    const complete = (): void => subscriber.complete()
    device.on(event, next)
    device.on('closed', complete)
    next()
    return () => {
      device.off(event, next)
      device.off('closed', complete)
    }
  })

/** The device's own state, beginning with the current one; completes when the device is closed for good. */
export const observeState = (device: ObservableDevice): Observable<XenbusState> =>
  observeEvent(device, 'state', () => device.state)

/** The other half's state as the device sees it; `undefined` while it is not there. */
export const observeOtherendState = (device: ObservableDevice): Observable<XenbusState | undefined> =>
  observeEvent(device, 'otherend-state', () => device.otherendState)
