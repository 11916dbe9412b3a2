import { parentPort } from 'node:worker_threads'
import { FlatMemory } from '@split-driver/abi'
import { BackRing } from '@split-driver/ring'
import { BlkifBackendLoad } from './blkif-backend-load.js'
import { type BackendOrder, SLOT_BYTES } from './own-rounds.js'

parentPort!.on('message', ({ page, load }: BackendOrder) => {
  const backend = new BlkifBackendLoad(BackRing.attach(new FlatMemory(page), SLOT_BYTES), load)
  parentPort!.postMessage('ready')
  for (let served = 0; served < load.roundTrips; ) served += backend.serveRequests()
})
