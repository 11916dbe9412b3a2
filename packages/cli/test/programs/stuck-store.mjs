/**
 * The command line over a machine whose XenStore never answers the end of a watch, so that no daemon can close in order.
 * STOP_SPEED says how many times faster than real its clock's timers are.
 */
import { runCommandLine } from '@split-driver/cli'
import { EmulatedHost } from '@split-driver/emulator'
import { XenstoreServer } from '@split-driver/xenstored'

const { dom0 } = await EmulatedHost.boot({ mode: 'inline', xenstored: (platform) => new XenstoreServer(platform) })
const speed = Number(process.env.STOP_SPEED ?? 1)

const never = () => new Promise(() => undefined)
const watch = async (path) => {
  const events = await dom0.xenstore.watch(path)
  return { [Symbol.asyncIterator]: () => events[Symbol.asyncIterator](), close: never }
}
const stuck = Object.create(dom0, {
  clock: { value: { now: () => dom0.clock.now(), setTimer: (ms, done) => dom0.clock.setTimer(ms / speed, done) } },
  xenstore: { value: new Proxy(dom0.xenstore, { get: (store, key) => (key === 'watch' ? watch : bound(store, key)) }) },
})

const bound = (store, key) => (typeof store[key] === 'function' ? store[key].bind(store) : store[key])

setInterval(() => undefined, 1000)
process.exit(await runCommandLine(process.argv.slice(2), { openPlatform: async () => stuck, inspectHost: never }))
