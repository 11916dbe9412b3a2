import type { Life } from './model-state.js'
import type { StoreOperation, StoreOperationKind } from './store-operation.js'

export const MODEL_QUOTAS = ['nodes', 'watches', 'transactions', 'node-permissions'] as const

/** Those that are counted here; 0 stands for no limit. */
export type ModelQuotas = Record<(typeof MODEL_QUOTAS)[number], number>

/** Bits of `XenStoreServerFeature`: reconnection, error field, watch depth. */
const ALL_FEATURES = 7
export const WATCH_DEPTH = 4

/** What is asked about domains and not about nodes, except for what makes them come and go. */
const REQUESTS: ReadonlySet<StoreOperationKind> = new Set([
  ...(['isIntroduced', 'domainPath', 'resume', 'setTarget'] as const),
  ...(['getFeature', 'setFeature', 'getQuota', 'setQuota'] as const),
])

/** The domains that there are, that are spoken of, and that are served. */
export class ModelDomains {
  readonly #count: number
  readonly #lives = new Map<number, Life>()
  readonly #introduced = new Set<number>()
  readonly #defaults: ModelQuotas

  /** @param count domains 1 to `count` can be introduced */
  constructor(count: number, quotas: ModelQuotas) {
    this.#count = count
    this.#defaults = { ...quotas }
  }

  isIntroduced(domid: number): boolean {
    return this.#introduced.has(domid)
  }

  /** A domain begins when it is first spoken of: a toolstack gives it rights before it introduces it. */
  lifeOf(domid: number): Life {
    const fresh = { domid, alive: true, features: ALL_FEATURES, quotas: { ...this.#defaults }, target: undefined }
    const life = this.#lives.get(domid) ?? fresh
    this.#lives.set(domid, life)
    return life
  }

  /** Whom a permission names: only the privileged can speak of a domain that there is not yet. */
  named(domid: number, privileged: boolean): Life {
    if (privileged || this.#lives.has(domid)) return this.lifeOf(domid)
    return { domid, alive: false, features: 0, quotas: this.#defaults, target: undefined }
  }

  all(): Life[] {
    return [...this.#lives.values()]
  }

  /** @returns whether the domain can be served */
  introduce(domid: number): boolean {
    if (domid < 1 || domid > this.#count) return false
    this.lifeOf(domid)
    this.#introduced.add(domid)
    return true
  }

  /** @returns who has died, or the error */
  release(domid: number): Life | string {
    const error = this.#notAGuest(domid)
    if (error !== undefined) return error
    const life = this.lifeOf(domid)
    life.alive = false
    this.#lives.delete(domid)
    this.#introduced.delete(domid)
    return life
  }

  handles(kind: StoreOperationKind): boolean {
    return REQUESTS.has(kind)
  }

  /** @param caller who asks, and may */
  request(operation: StoreOperation, caller: Life): string {
    const { kind, domid } = operation
    switch (kind) {
      case 'isIntroduced':
        return this.#introduced.has(domid) ? 'T' : 'F'
      case 'domainPath':
        return `/local/domain/${domid}`
      case 'resume':
        return this.#notAGuest(domid) ?? 'OK'
      case 'setTarget':
        return this.#setTarget(domid, operation.number)
      case 'getFeature':
        return String(operation.ofSelf ? caller.features : this.lifeOf(domid).features)
      case 'setFeature':
        return this.#setFeature(domid, operation.number)
      case 'getQuota':
        return String(this.#quotasOf(operation)[operation.quota])
      default:
        this.#quotasOf(operation)[operation.quota] = operation.number
        return 'OK'
    }
  }

  #setTarget(domid: number, target: number): string {
    if (!this.#introduced.has(domid) || !this.#introduced.has(target)) return '!ENOENT'
    this.lifeOf(domid).target = this.lifeOf(target)
    return 'OK'
  }

  #setFeature(domid: number, features: number): string {
    const life = this.lifeOf(domid)
    if (this.#introduced.has(domid)) return '!EBUSY'
    if (features > ALL_FEATURES) return '!EINVAL'
    life.features = features
    return 'OK'
  }

  #quotasOf({ ofSelf, domid }: StoreOperation): ModelQuotas {
    return ofSelf ? this.#defaults : this.lifeOf(domid).quotas
  }

  #notAGuest(domid: number): string | undefined {
    if (domid === 0) return '!EINVAL'
    return this.#introduced.has(domid) ? undefined : '!ENOENT'
  }
}
