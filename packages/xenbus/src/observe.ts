import { concatMap, distinctUntilChanged, Observable } from 'rxjs'
import type { DeviceEvents } from './device/device-events.js'
import type { XenbusState } from './state.js'
import type { XenStore } from './xenstore.js'

/** Paths that change at and below `path`, beginning with one of its own. Each subscription is a watch of its own. */
export const observePaths = (store: Pick<XenStore, 'watch'>, path: string): Observable<string> =>
  new Observable((subscriber) => {
    const tell = async (): Promise<void> => {
      await using watch = await store.watch(path)
      subscriber.add(() => void watch.close())
      for await (const changed of watch) subscriber.next(changed)
    }
    tell().then(
      () => subscriber.complete(),
      (error: unknown) => subscriber.error(error),
    )
  })

/** The value at `path` now and whenever it differs; `undefined` while there is no such node. */
export const observeValue = (
  store: Pick<XenStore, 'watch' | 'tryRead'>,
  path: string,
): Observable<string | undefined> =>
  observePaths(store, path).pipe(
    // A watch tells where to look: read again at each event (rule 36).
    concatMap(() => store.tryRead(path)),
    distinctUntilChanged(),
  )

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
