export { JournalFolder, type JournalFolderOptions } from './node/journal-folder.js'
export { listenAlone } from './node/listen-alone.js'
export { listenPrivately } from './node/listen-privately.js'
export { type XenstoreSocketOptions, XenstoreSocketServer } from './node/xenstore-socket-server.js'
