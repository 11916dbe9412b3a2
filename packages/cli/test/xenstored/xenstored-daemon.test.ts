import { DOM0 } from '@split-driver/abi'
import { XenStoreClient } from '@split-driver/xenbus'
import { SocketChannel } from '@split-driver/xenbus/node'
import { XenstoreServer } from '@split-driver/xenstored'
import { expect, test } from 'vitest'
import { logXenstored } from '../../src/xenstored/log-xenstored.js'
import { NO_HYPERVISOR } from '../../src/xenstored/no-hypervisor.js'
import { openStoreMachine } from '../../src/xenstored/store-machine.js'
import { XenstoredDaemon } from '../../src/xenstored/xenstored-daemon.js'
import { LogList } from '../support/log-list.js'
import { ScratchFolder } from '../support/scratch-folder.js'

test.each([true, false])('closing answers what lies in the sockets already (persistent: %s)', async (persistent) => {
  using folder = new ScratchFolder()
  await using machine = await openStoreMachine({ host: false })
  const path = folder.file('socket')
  const persist = { folder: folder.file('state'), sync: false }
  const daemon = await XenstoredDaemon.open(machine, {
    sockets: [path],
    logFolder: folder.path,
    stateFile: folder.file('state_dump'),
    log: new LogList(),
    ...(persistent ? { persist } : {}),
  })
  await using client = new XenStoreClient(await SocketChannel.connect(path))
  await client.write('/before', '1')
  const last = client.write('/last', '1')
  // It lies in the socket then, and the daemon has not had a turn.
  await new Promise<void>((resolve) => process.nextTick(resolve))
  await daemon.close()
  await last
  await expect(client.read('/last')).rejects.toMatchObject({ code: 'CLOSED' })
  expect(folder.openFiles()).toEqual([])
})

test('closing is done once, and again is no mistake', async () => {
  using folder = new ScratchFolder()
  await using machine = await openStoreMachine({ host: false })
  const places = { sockets: [folder.file('socket')], logFolder: folder.path, stateFile: folder.file('dump') }
  await using daemon = await XenstoredDaemon.open(machine, { ...places, log: new LogList() })
  await Promise.all([daemon.close(), daemon.close()])
})

test('the log says what befalls domains, with their number, so that it can be bounded', () => {
  const log = new LogList()
  using server = new XenstoreServer(NO_HYPERVISOR)
  logXenstored(server, log)
  server.emit('introduced', DOM0)
  server.emit('released', DOM0)
  server.emit('broken', DOM0, 3)
  server.emit('memory', DOM0, 'above-hard')
  expect(log.entries.map(({ event, domid, level }) => [event, domid, level])).toEqual([
    ['introduced', 0, 'info'],
    ['released', 0, 'info'],
    ['broken', 0, 'warn'],
    ['memory', 0, 'warn'],
  ])
  expect(log.of('memory')).toMatchObject([{ memory: 'above-hard' }])
})
