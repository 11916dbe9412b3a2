export { FileConsole } from './node/file-console.js'
export { JournalFolder, type JournalFolderOptions } from './node/journal-folder.js'
export { listenAlone } from './node/listen-alone.js'
export { listenPrivately } from './node/listen-privately.js'
export {
  inheritedEvents,
  ProcessSuccessor,
  type ProcessSuccessorOptions,
  stateFile,
  takeSavedState,
} from './node/live-update/process-successor.js'
export { type XenstoreSocketOptions, XenstoreSocketServer } from './node/xenstore-socket-server.js'
