import type { Heard } from './contract.js'
import type { WireAnswer } from './wire.js'

/** So much off, and a day, a `t_` or an end is another. */
const MATTERS = 60_000

/** The server's time, reckoned by this device's clock and by how far that is off. */
export class ServerClock {
  /** The server's clock minus this device's, in milliseconds. */
  skew = 0
  private known = false

  /** *local* is this device's clock, in milliseconds. */
  constructor(readonly local: () => number) {}

  now(): number {
    return this.local() + this.skew
  }

  /** Take *skew* for true until the server tells better. */
  assume(skew: number): void {
    if (!this.known) this.skew = skew
  }

  /**
   * Learn from an answer to what was sent at *begun*, and return whether what was thought before was far off.
   *
   * `Date` tells it, where a page may read it, else the contract's own times.
   */
  learn(answer: WireAnswer, heard: Heard<unknown>, begun: number): boolean {
    const date = Date.parse(answer.headers['date'] || '')
    const told = isNaN(date) ? heard.time : date + 500
    if (told === null) return false
    const before = this.skew
    this.skew = Math.round(told - (begun + this.local()) / 2)
    this.known = true
    return Math.abs(this.skew - before) > MATTERS
  }
}
