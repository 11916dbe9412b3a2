import { LoopbackWorld, type World } from '@split-driver/conformance'
import { EmulatedWorld } from '@split-driver/emulator'
import { PrivcmdPlatform } from '@split-driver/privcmd'
import { XenstoreServer } from '@split-driver/xenstored'

/** On this Xen host: each guest is a further platform of this very domain, looped back through the hypervisor. */
const realWorld = (): Promise<World> => LoopbackWorld.create({ open: () => PrivcmdPlatform.open() })

const emulatedWorld = (): Promise<World> => EmulatedWorld.create({ xenstored: (dom0) => new XenstoreServer(dom0) })

/** The world that an example runs in: an emulated machine, or with `--real` the Xen host that it is started on. */
export const openWorld = (): Promise<World> => (process.argv.includes('--real') ? realWorld() : emulatedWorld())
