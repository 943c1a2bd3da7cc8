import { ServerClock } from './clock.js'
import type { Asked, Canonical, Contract, Heard } from './contract.js'
import { NoAnswer, SignedOut, failed, signedOutBefore, unanswered } from './errors.js'
import type { LingpaiError } from './errors.js'
import { Listeners } from './listeners.js'
import { inTurn } from './locks.js'
import type { Lock } from './locks.js'
import type { Outcome, Reason } from './outcomes.js'
import { Session } from './session.js'
import { memoryStorage } from './storage.js'
import type { Storage } from './storage.js'
import type { Signal, Transport, WireAnswer, WireRequest } from './wire.js'

/** One exchange, as it went over the wire. Tokens, secrets and passwords stand in it in the clear. */
export interface Wire {
  contract: string
  call: string
  request: WireRequest
  /** What was computed for this request, and from which text. */
  canonical: Canonical[]
  /** Null where no answer came. */
  answer: WireAnswer | null
  outcome: Outcome
  milliseconds: number
}

export interface ClientOptions {
  transport: Transport
  /** Where tokens are kept; in memory when missing. */
  storage?: Storage | undefined
  /** Under which key; `lingpai.<contract>` when missing. Give each server its own. */
  storageKey?: string | undefined
  /** Keeps tabs that share the storage from renewing at once; within this page alone when missing. */
  lock?: Lock | undefined
  /** An answer that takes longer is given up; 15 when missing. */
  timeoutSeconds?: number | undefined
  /** `zh` or `en`: in which language messages should be. The server's choice when missing. */
  language?: string | undefined
  /** Called with each request before it is sent; what it changes in `headers` is sent. */
  before?: ((request: WireRequest) => unknown) | undefined
  /** Once for each end of a session, however many calls hear of it. */
  onSignedOut?: ((reason: Reason) => void) | undefined
  /** Each exchange with everything in it. Secrets are told to nobody else. */
  onWire?: ((wire: Wire) => void) | undefined
  now?: (() => number) | undefined
  sleep?: ((milliseconds: number) => Promise<void>) | undefined
}

export interface CallOptions {
  signal?: Signal | undefined
  timeoutSeconds?: number | undefined
}

interface Sent<T> {
  heard: Heard<T>
  answer: WireAnswer
  tokens: T | null
  /** The answer showed that this device's clock is off by another amount than was thought. */
  clockMoved: boolean
}

const TRIES = 3
const RENEWAL_PAUSES = [200, 1000]
const RENEWAL_SECONDS = 10

/**
 * Calls of one contract for one user: tokens go along, are renewed once for all who wait, and are forgotten once.
 */
export class Client<T> {
  readonly signedOut = new Listeners<Reason>()
  readonly tokensChanged = new Listeners<T>()
  readonly wire = new Listeners<Wire>()
  readonly session: Session<T>

  private readonly lock: Lock
  private readonly unwatch: () => void
  private readonly clock: ServerClock
  private started = 0
  private endedAt = 0
  private signedIn: boolean
  /** What the last tokens that were told of show. */
  private toldOf = ''
  private flight: { shown: string; promise: Promise<T> } | null = null

  constructor(
    readonly contract: Contract<T>,
    private readonly options: ClientOptions
  ) {
    const key = options.storageKey || `lingpai.${contract.name}`
    this.session = new Session(options.storage || memoryStorage(), key, contract)
    this.lock = options.lock || inTurn()
    this.clock = new ServerClock(options.now || Date.now)
    const { tokens } = this.session.read()
    this.signedIn = tokens !== null
    if (tokens) this.toldOf = contract.shown(tokens)
    this.unwatch = this.session.watch(() => this.heardFromAnotherTab())
    if (options.onSignedOut) this.signedOut.add(options.onSignedOut)
    if (options.onWire) this.wire.add(options.onWire)
  }

  /** The tokens that the next call shows, or null. */
  get tokens(): T | null {
    return this.session.read().tokens
  }

  /** Stop listening to other tabs. */
  close(): void {
    this.unwatch()
  }

  /**
   * Make a call and return what was heard, if it was `ok`.
   *
   * Throws a `LingpaiError` otherwise: `SignedOut` wins over everything, since nothing else matters then.
   */
  async ask(asked: Asked, options: CallOptions = {}): Promise<Heard<T>> {
    const { heard, answer } = await this.whole(asked, options)
    if (heard.outcome !== 'ok') throw this.failed(asked, heard, answer)
    return heard
  }

  /** The same, but an answer of the contract is returned whatever it says, unless the session is over. */
  async hear(asked: Asked, options: CallOptions = {}): Promise<Heard<T>> {
    const { heard, answer } = await this.whole(asked, options)
    if (heard.outcome === 'not_this_contract' || heard.code === null) throw this.failed(asked, heard, answer)
    return heard
  }

  /** Make a call that changes the tokens by itself, while nobody renews them. */
  async rotate(asked: Asked, options: CallOptions = {}): Promise<Heard<T>> {
    await this.tokensFor(asked)
    return this.lock(() => this.ask({ ...asked, asIs: true }, options))
  }

  /** Go on with tokens that were got elsewhere. */
  enter(tokens: T): void {
    this.session.open(tokens, this.clock.skew)
    this.tellTokens(tokens)
  }

  /** Get fresh tokens now. */
  async renew(): Promise<T> {
    const { tokens, over } = this.session.read()
    if (!tokens || !this.contract.renewal) throw signedOutBefore(this.contract.name, 'renew', over)
    return this.renewed(tokens)
  }

  /**
   * End the session here and, if it can be reached, on the server.
   *
   * Throws `NoAnswer` or `TryLater` where the server could not be told. The tokens are forgotten all the same.
   */
  async logOut(asked: Asked, options: CallOptions = {}): Promise<void> {
    if (!this.session.read().tokens) return
    let trouble: unknown = null
    try {
      await this.ask({ ...asked, asIs: true }, options)
    } catch (error) {
      if (!(error instanceof SignedOut)) trouble = error
    }
    const { tokens } = this.session.read()
    if (tokens) this.session.end(tokens, 'signed_out')
    if (this.signedIn) this.tellSignedOut('signed_out')
    if (trouble) throw trouble
  }

  private whole(asked: Asked, options: CallOptions): Promise<Sent<T>> {
    const started = ++this.started
    const work = (): Promise<Sent<T>> => this.tries(asked, options, started)
    return asked.user && this.contract.oneAtATime ? this.lock(work) : work()
  }

  private async tries(asked: Asked, options: CallOptions, started: number): Promise<Sent<T>> {
    for (let left = TRIES; ; left--) {
      const tokens = asked.user ? await this.tokensFor(asked) : null
      const sent = await this.send(asked, tokens, options)
      if (sent.heard.outcome === 'ok') {
        this.granted(asked, sent)
        return sent
      }
      const again = left > 1
      if (sent.heard.outcome === 'session_over' && asked.user) {
        const reason = sent.heard.reason || 'unknown'
        const ended = this.session.end(tokens, reason)
        if (!ended && again) continue
        if (ended && started > this.endedAt) this.tellSignedOut(reason)
        throw this.failed(asked, { ...sent.heard, reason }, sent.answer)
      }
      if (!again || !(await this.mended(asked, sent))) return sent
    }
  }

  /** Whether something was put right, so that the same call may fare better now. */
  private async mended(asked: Asked, { heard, tokens, clockMoved }: Sent<T>): Promise<boolean> {
    switch (heard.outcome) {
      case 'renewed':
        return tokens !== null && heard.tokens !== null && this.put(tokens, heard.tokens) !== null
      case 'code_spent':
        return tokens !== null && !asked.asIs && Boolean(await this.renewed(tokens))
      case 'timestamp_bad':
      case 'client_refused':
        return clockMoved
      default:
        return false
    }
  }

  private granted(asked: Asked, { heard, tokens }: Sent<T>): void {
    if (!asked.grants || !heard.tokens) return
    if (!asked.user) this.enter(heard.tokens)
    else if (tokens) this.put(tokens, heard.tokens)
  }

  /** Put *next* where *shown* stands, and return what stands there now; null where the session was ended meanwhile. */
  private put(shown: T, next: T): T | null {
    const stands = this.session.replace(shown, next, this.clock.skew)
    if (stands) this.tellTokens(stands)
    return stands
  }

  private async tokensFor(asked: Asked): Promise<T | null> {
    const { tokens, skew } = this.session.read()
    if (!tokens) return null
    this.signedIn = true
    this.clock.assume(skew)
    const { renewal } = this.contract
    if (asked.asIs || !renewal || !renewal.due(tokens, this.clock.now(), asked)) return tokens
    try {
      return await this.renewed(tokens)
    } catch (error) {
      // By our reckoning it is time; the server may still accept what there is, or hand out new ones with its answer.
      if (error instanceof NoAnswer && !renewal.needed) return tokens
      throw error
    }
  }

  /** Fresh tokens for *tokens*: one renewal for all who ask at once, here and in other tabs. */
  private renewed(tokens: T): Promise<T> {
    const shown = this.contract.shown(tokens)
    if (this.flight && this.flight.shown === shown) return this.flight.promise
    const promise = this.lock(() => this.renewedAlone(shown))
    const flight = { shown, promise }
    const landed = (): void => {
      if (this.flight === flight) this.flight = null
    }
    this.flight = flight
    promise.then(landed, landed)
    return promise
  }

  private async renewedAlone(shown: string): Promise<T> {
    for (let lost = 0; ; lost++) {
      const { tokens, over } = this.session.read()
      if (!tokens) throw signedOutBefore(this.contract.name, 'renew', over)
      if (this.contract.shown(tokens) !== shown) return tokens
      try {
        return await this.exchanged()
      } catch (error) {
        // The answer may be lost and the exchange done: shown again soon, the same token gives the same pair.
        const pause = RENEWAL_PAUSES[lost]
        if (!(error instanceof NoAnswer) || pause === undefined) throw error
        if (this.options.sleep) await this.options.sleep(pause)
      }
    }
  }

  private async exchanged(): Promise<T> {
    const renewal = this.contract.renewal as NonNullable<Contract<T>['renewal']>
    const asked = { ...renewal.asked, asIs: true }
    const timeoutSeconds = Math.min(this.timeoutSeconds, RENEWAL_SECONDS)
    const { heard, answer, tokens } = await this.tries(asked, { timeoutSeconds }, ++this.started)
    if (heard.outcome !== 'ok' || !tokens) throw this.failed(asked, heard, answer)
    const next = renewal.take && renewal.take(tokens, heard, this.clock.now())
    const stands = next ? this.put(tokens, next) : this.session.read().tokens
    if (!stands) throw signedOutBefore(this.contract.name, 'renew', this.session.read().over)
    return stands
  }

  private async send(asked: Asked, tokens: T | null, options: CallOptions): Promise<Sent<T>> {
    const { request, canonical } = this.contract.write(asked, tokens, this.clock.now())
    if (this.options.language) request.headers['Accept-Language'] = this.options.language
    if (this.options.before) await this.options.before(request)
    const timeoutSeconds = options.timeoutSeconds || this.timeoutSeconds
    const begun = this.clock.local()
    const tell = (answer: WireAnswer | null, outcome: Outcome): void => {
      const milliseconds = this.clock.local() - begun
      const call = asked.name
      if (this.wire.any) {
        this.wire.tell({ contract: this.contract.name, call, request, canonical, answer, outcome, milliseconds })
      }
    }
    let answer: WireAnswer
    try {
      answer = await this.options.transport(request, { timeoutSeconds, signal: options.signal })
    } catch (cause) {
      const outcome = options.signal && options.signal.aborted ? 'aborted' : 'no_answer'
      tell(null, outcome)
      throw unanswered(this.contract.name, asked.name, outcome, cause)
    }
    const heard = this.contract.read(answer, asked, tokens)
    const clockMoved = this.clock.learn(answer, heard, begun)
    if (tokens) this.learnTold(tokens, answer, heard)
    tell(answer, heard.outcome)
    return { heard, answer, tokens, clockMoved }
  }

  private learnTold(shown: T, answer: WireAnswer, heard: Heard<T>): void {
    const { tokens } = this.session.read()
    if (!this.contract.told || !tokens || this.contract.shown(tokens) !== this.contract.shown(shown)) return
    const next = this.contract.told(tokens, answer, heard)
    if (next !== tokens) this.session.replace(tokens, next, this.clock.skew)
  }

  private heardFromAnotherTab(): void {
    const { tokens, over } = this.session.read()
    if (tokens) this.tellTokens(tokens)
    else if (this.signedIn) this.tellSignedOut(over || 'unknown')
  }

  private tellTokens(tokens: T): void {
    const shown = this.contract.shown(tokens)
    this.signedIn = true
    if (shown === this.toldOf) return
    this.toldOf = shown
    this.tokensChanged.tell(tokens)
  }

  /** Calls that are on their way now may hear of this end as well; they tell nobody again. */
  private tellSignedOut(reason: Reason): void {
    this.endedAt = this.started
    this.signedIn = false
    this.toldOf = ''
    this.signedOut.tell(reason)
  }

  private failed(asked: Asked, heard: Heard<T>, answer: WireAnswer): LingpaiError {
    return failed(this.contract.name, asked.name, heard, answer)
  }

  private get timeoutSeconds(): number {
    return this.options.timeoutSeconds || 15
  }
}
