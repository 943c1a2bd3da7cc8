import { retryAfter } from './contract.js'
import type { Heard } from './contract.js'
import type { Outcome, Reason } from './outcomes.js'
import type { WireAnswer } from './wire.js'

export interface Told {
  contract: string
  /** The call's name, such as `notice/add`. */
  call: string
  outcome: Outcome
  /** The contract's own code; null where no answer of the contract came. */
  code: string | number | null
  message: string
  /** HTTP status; 0 where no answer came. */
  status: number
  /** Why the session is over, where it is. */
  reason: Reason | null
  /** Seconds to wait before the next try, where the server says so. */
  retryAfter: number | null
  /** What the answer told besides: thinkjs names the bad arguments here. */
  data: unknown
}

/**
 * A call that did not end well. Its members never hold a token, a password or a secret.
 */
export class LingpaiError extends Error implements Told {
  contract: string
  call: string
  outcome: Outcome
  code: string | number | null
  status: number
  reason: Reason | null
  retryAfter: number | null
  data: unknown

  constructor(told: Told) {
    super(told.message)
    this.name = 'LingpaiError'
    this.contract = told.contract
    this.call = told.call
    this.outcome = told.outcome
    this.code = told.code
    this.status = told.status
    this.reason = told.reason
    this.retryAfter = told.retryAfter
    this.data = told.data
  }
}

/** The user must sign in again; `reason` says why, where the server tells. */
export class SignedOut extends LingpaiError {
  override name = 'SignedOut'
}

/** The server understood, and said no. */
export class Refused extends LingpaiError {
  override name = 'Refused'
}

/** Not now: too many attempts, or the server is busy. `retryAfter` says when, where the server does. */
export class TryLater extends LingpaiError {
  override name = 'TryLater'
}

/** No answer came. The call may have been done or not. */
export class NoAnswer extends LingpaiError {
  override name = 'NoAnswer'
}

const KINDS: { [outcome: string]: new (told: Told) => LingpaiError } = {
  session_over: SignedOut,
  too_many_attempts: TryLater,
  busy: TryLater,
  internal: TryLater,
  no_answer: NoAnswer,
  aborted: NoAnswer
}

/** The error for an answer that was heard. A new pair that came with it stays out of it. */
export function failed(contract: string, call: string, heard: Heard<unknown>, answer: WireAnswer): LingpaiError {
  const { outcome, code, message, reason } = heard
  const data = outcome === 'renewed' ? null : heard.data
  const { status } = answer
  return failure({ contract, call, outcome, code, message, reason, data, status, retryAfter: retryAfter(answer) })
}

/** The error where no answer came; a platform's message may name the address, and an address may hold a token. */
export function unanswered(contract: string, call: string, outcome: Outcome, cause: unknown): LingpaiError {
  const message = (cause instanceof Error ? cause.message : String(cause)).replace(/\?[^\s"']*/g, '?…')
  return failure({ ...UNANSWERED, contract, call, outcome, message })
}

/** The error where there is nobody to speak for any more. */
export function signedOutBefore(contract: string, call: string, reason: Reason | null): LingpaiError {
  const told = { contract, call, outcome: 'session_over' as const, message: 'signed out' }
  return failure({ ...UNANSWERED, ...told, reason: reason || 'unknown' })
}

const UNANSWERED = { code: null, status: 0, reason: null, retryAfter: null, data: null }

function failure(told: Told): LingpaiError {
  return new (KINDS[told.outcome] || Refused)(told)
}
