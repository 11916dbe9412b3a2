import { runStoreHistory, SeededRandom, ServedStore, StoreMachine } from '@split-driver/conformance'
import { afterEach, expect, test, vi } from 'vitest'

type Transactions = typeof import('../src/transactions/transaction.js')
type Observing = typeof import('../src/transactions/observations.js')

afterEach(() => {
  vi.doUnmock('../src/transactions/transaction.js')
  vi.doUnmock('../src/transactions/observations.js')
  vi.resetModules()
})

/** @returns what is wrong with the first of `count` histories that is not strictly serialisable */
const firstViolation = async (count: number): Promise<string | undefined> => {
  const { XenstoreServer } = await import('../src/xenstore-server.js')
  for (let seed = 1; seed <= count; seed++) {
    const machine = new StoreMachine()
    using server = new XenstoreServer(machine)
    const violation = await runStoreHistory(new ServedStore(machine, server), new SeededRandom(seed))
    if (violation !== undefined) return violation
  }
  return undefined
}

test('rules 47 and 48: what eight clients see who work at the same time is strictly serialisable', async () => {
  expect(await firstViolation(50)).toBeUndefined()
})

/** Servers that are wrong: the class that each puts in place of the right one. */
const transactionMutants: [string, (right: Transactions['Transaction']) => Transactions['Transaction']][] = [
  [
    'dirty read: what a transaction writes is seen before its commit',
    (Right) =>
      class extends Right {
        readonly #store: ConstructorParameters<typeof Right>[0]

        constructor(...options: ConstructorParameters<typeof Right>) {
          super(...options)
          this.#store = options[0]
        }

        override apply(...[change, events]: Parameters<InstanceType<typeof Right>['apply']>): void {
          super.apply(change, events)
          this.#store.apply(change, events)
        }
      },
  ],
  [
    'non-repeatable read: a transaction that has not written shows the store as it is',
    (Right) =>
      class extends Right {
        readonly #store: ConstructorParameters<typeof Right>[0]
        #wrote = false

        constructor(...options: ConstructorParameters<typeof Right>) {
          super(...options)
          this.#store = options[0]
        }

        override get tree() {
          return this.#wrote ? super.tree : this.#store.tree
        }

        override apply(...[change, events]: Parameters<InstanceType<typeof Right>['apply']>): void {
          this.#wrote = true
          // What it saw, and writes to now, may not be in what it began with.
          if (super.tree.get(change.path) === this.#store.tree.get(change.path)) super.apply(change, events)
        }
      },
  ],
  [
    'stale snapshot: a commit puts the whole tree that it began with back',
    (Right) =>
      class extends Right {
        readonly #store: ConstructorParameters<typeof Right>[0]

        constructor(...options: ConstructorParameters<typeof Right>) {
          super(...options)
          this.#store = options[0]
        }

        override commit() {
          const own = this.tree
          const error = super.commit()
          if (error === undefined) this.#store.commit(own, [], 0, new Map())
          return error
        }
      },
  ],
  [
    'an EAGAIN that has an effect',
    (Right) =>
      class extends Right {
        override commit() {
          return super.commit() ?? 'EAGAIN'
        }
      },
  ],
]

test.each(transactionMutants)('the checker finds a server with this defect: %s', async (_, mutant) => {
  vi.doMock('../src/transactions/transaction.js', async (original) => {
    const { Transaction } = await original<Transactions>()
    return { Transaction: mutant(Transaction) }
  })
  expect(await firstViolation(200)).toContain('no order explains')
})

const observationMutants: [string, (right: Observing['Observations']) => Observing['Observations']][] = [
  [
    'lost update: a commit does not look at what has changed',
    (Right) =>
      class extends Right {
        override holdIn(): boolean {
          return true
        }
      },
  ],
  [
    'phantom: a listing that was read may change',
    (Right) =>
      class extends Right {
        override listing(): void {}
      },
  ],
  [
    'write skew: a node that was missing may have come',
    (Right) =>
      class extends Right {
        override node(...[base, path]: Parameters<InstanceType<typeof Right>['node']>): void {
          if (base.get(path) !== undefined) super.node(base, path)
        }
      },
  ],
]

test.each(observationMutants)('the checker finds a server with this defect: %s', async (_, mutant) => {
  vi.doMock('../src/transactions/observations.js', async (original) => {
    const { Observations } = await original<Observing>()
    return { Observations: mutant(Observations) }
  })
  expect(await firstViolation(400)).toContain('no order explains')
})
