import { XenstoreServer } from '@split-driver/xenstored'
import { JournalFolder, XenstoreSocketServer } from '@split-driver/xenstored/node'

// A XenStore daemon that keeps its state in a folder: what is to be killed. It says `ready`, and serves until then.

// Nobody introduces a domain, so nothing is asked of a machine.
const machine = { events: {}, mapper: {} } as ConstructorParameters<typeof XenstoreServer>[0]

const [folder = '', path = ''] = process.argv.slice(2)
const journal = await JournalFolder.open(folder, { onNote: (note) => process.stderr.write(`${note}\n`) })
await XenstoreSocketServer.listen(new XenstoreServer(machine, { journal }), { path })
process.stdout.write('ready\n')
