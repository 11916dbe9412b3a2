import { DOM0, type Port } from '@split-driver/abi'
import type { Platform } from '@split-driver/platform'
import { type DefectRow, forgiving, losing } from './defect-row.js'

type Events = Platform['events']

export const eventDefects: DefectRow[] = [
  [
    'the first event of a port is swallowed',
    'binding pends the local port',
    {
      events: (right) => ({
        listen: (port, handler) => {
          let first = true
          right.listen(port, (delivered) => {
            if (!first) return handler(delivered)
            first = false
            right.eoi(delivered)
          })
        },
      }),
    },
  ],
  [
    'each event is delivered twice',
    'events go both ways',
    {
      events: (right) => ({
        listen: (port, handler) =>
          right.listen(port, (delivered) => {
            handler(delivered)
            handler(delivered)
          }),
      }),
    },
  ],
  ['eoi does nothing', 'rule 66', { events: () => ({ eoi: () => {} }) }],
  ['mask does nothing', 'rule 63', { events: () => ({ mask: () => {} }) }],
  ['mask does nothing', 'mask counts apart', { events: () => ({ mask: () => {} }) }],
  ['unmask does nothing', 'random storm', { events: () => ({ unmask: () => {} }) }],
  [
    'one notification in 50 is lost',
    '1,000 round trips',
    { events: (right) => ({ notify: losing(50, (port: Port) => right.notify(port)) }) },
  ],
  ['unbind does nothing', 'binding pends the local port', { events: () => ({ unbind: () => {} }) }],
  [
    'a second listener is accepted',
    'one listener a port',
    {
      events: (right) => ({
        listen: forgiving<Parameters<Events['listen']>, void>(
          (port, handler) => right.listen(port, handler),
          () => {},
        ),
      }),
    },
  ],
  [
    'any port can be bound',
    'rule 62: a port that waits for another domain',
    {
      events: (right) => ({
        bindInterdomain: forgiving<Parameters<Events['bindInterdomain']>, Port>(
          (domid, port) => right.bindInterdomain(domid, port),
          (domid) => right.bindUnboundPort(domid),
        ),
      }),
    },
  ],
  [
    'port 0 can be bound',
    'rule 61',
    {
      events: (right) => ({
        bindInterdomain: (domid, port) =>
          port === 0 ? right.bindUnboundPort(domid) : right.bindInterdomain(domid, port),
      }),
    },
  ],
  [
    'a closed port is silently nothing',
    'a port that is not ours',
    {
      events: (right) => ({
        notify: forgiving<[Port], void>(
          (port) => right.notify(port),
          () => {},
        ),
      }),
    },
  ],
  ['an IPI reaches nobody', 'an IPI wakes', { events: (right) => ({ bindIpi: () => right.bindUnboundPort(DOM0) }) }],
]
