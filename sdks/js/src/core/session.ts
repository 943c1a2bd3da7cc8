import { asObject, objectIn } from './contract.js'
import type { Contract } from './contract.js'
import { reasonOf } from './outcomes.js'
import type { Reason } from './outcomes.js'
import type { Storage } from './storage.js'

interface Kept<T> {
  tokens: T | null
  /** Server's clock minus this device's, when the tokens came. */
  skew: number
  /** Why there are no tokens any more. */
  over: Reason | null
}

const NOTHING = { tokens: null, skew: 0, over: null }

/**
 * The tokens of one user, in a storage that other tabs may share.
 *
 * The storage is the truth and is read for each call. Every change but a sign-in names the tokens that its caller
 * showed, and does nothing where others stand there by now: so a slow tab cannot undo what a faster one did.
 */
export class Session<T> {
  constructor(
    private readonly storage: Storage,
    readonly key: string,
    private readonly contract: Contract<T>
  ) {}

  read(): Kept<T> {
    const kept = objectIn(this.storage.read(this.key) || '')
    if (!kept) return NOTHING
    return {
      tokens: this.whole(asObject(kept['tokens'])),
      skew: Number(kept['skew']) || 0,
      over: reasonOf(kept['over'])
    }
  }

  /** Tokens that this contract can show; what somebody else left under our key is none. */
  private whole(kept: object | null): T | null {
    try {
      return kept && this.contract.shown(kept as T) && this.contract.session(kept as T) ? (kept as T) : null
    } catch {
      return null
    }
  }

  /** Keep the tokens of a sign-in. */
  open(tokens: T, skew: number): void {
    this.storage.write(this.key, JSON.stringify({ tokens, skew }))
  }

  /** Put *next* where *shown* stands, and return the tokens that stand there now; null where none do. */
  replace(shown: T, next: T, skew: number): T | null {
    const { tokens } = this.read()
    if (!tokens || this.contract.session(tokens) !== this.contract.session(shown)) return tokens
    const untouched = this.contract.shown(tokens) === this.contract.shown(shown)
    const later = this.contract.newer && this.contract.newer(next, tokens)
    if (!untouched && !later) return tokens
    if (JSON.stringify(next) !== JSON.stringify(tokens)) this.open(next, skew)
    return next
  }

  /**
   * Forget the tokens, if they are still those of *shown*, and leave *reason* for other tabs.
   *
   * Returns false where other tokens stand there by now, with which the call deserves another try.
   */
  end(shown: T | null, reason: Reason): boolean {
    const { tokens } = this.read()
    if (!tokens) return true
    if (!shown || this.contract.shown(tokens) !== this.contract.shown(shown)) return false
    this.storage.write(this.key, JSON.stringify({ over: reason }))
    return true
  }

  watch(changed: () => void): () => void {
    return this.storage.watch ? this.storage.watch(this.key, changed) : () => undefined
  }
}
