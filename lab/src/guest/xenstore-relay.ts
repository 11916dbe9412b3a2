// Runs in a guest that has Node: lends the guest's own connection to XenStore to dom0, through a page like XenStore's
// ring page and an event channel, so that what dom0 asks there is asked by this domain.
import { DOM0 } from '@split-driver/abi'
import { connectXenStore, PrivcmdPlatform } from '@split-driver/privcmd'
import { listenForRing, RingChannel } from '@split-driver/xenbus'
import { joinChannels } from '../channel-junction.js'
import { RELAY_KEY } from './xenstore-relay-key.js'

const platform = await PrivcmdPlatform.open()
const { memory, refs } = platform.sharer.share(DOM0, 1, 'writable')
const port = platform.events.bindUnboundPort(DOM0)
const ring = RingChannel.back(memory, () => platform.events.notify(port))
joinChannels(ring, await connectXenStore('device'), () => process.exit(1))
listenForRing(ring, platform.events, port)
await platform.xenstore.write(RELAY_KEY, `${refs[0]} ${port}`)
