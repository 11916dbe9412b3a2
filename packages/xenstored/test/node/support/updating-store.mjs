import { appendFileSync } from 'node:fs'
import { liveUpdateCommand, XenstoreServer } from '@split-driver/xenstored'
import { JournalFolder, ProcessSuccessor, takeSavedState, XenstoreSocketServer } from '@split-driver/xenstored/node'

// A XenStore daemon that another can take the place of, itself for one. Each writes a line into a file once it serves.
const [path, journalFolder, beginnings] = process.argv.slice(2)
const clock = {
  now: () => performance.now(),
  setTimer: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds)
    return { cancel: () => clearTimeout(timer) }
  },
}
const sockets = []
const successor = await ProcessSuccessor.load({ clock, sockets })
const journal = journalFolder === '-' ? undefined : await JournalFolder.open(journalFolder)

const begin = (resume) => {
  const commands = [liveUpdateCommand({ successor, server: () => server })]
  // Nobody introduces a domain, so nothing is asked of a machine.
  const server = new XenstoreServer({ events: {}, mapper: {}, clock }, { commands, resume, journal })
  return server
}

if (process.argv.includes('-U')) {
  const state = takeSavedState()
  const { fd } = state.supplement.find(({ kind }) => kind === 'LISTENER')
  sockets.push(await XenstoreSocketServer.resume({ path, fd }, (channelOf) => begin({ state, channelOf })))
} else sockets.push(await XenstoreSocketServer.listen(begin(), { path }))
appendFileSync(beginnings, `${process.pid}\n`)
