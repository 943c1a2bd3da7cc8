import type { Outcome, Reason } from './outcomes.js'
import type { Method, WireAnswer, WireRequest } from './wire.js'

/** Arguments of a call by name. */
export type Args = { readonly [name: string]: unknown }

/** A call, before it is written. */
export interface Asked {
  /** For people and logs: `login`, `notice/add`. */
  name: string
  method: Method
  path: string
  args?: Args | undefined
  /** Whether tokens go along, where there are any. */
  user: boolean
  /** Its answer brings tokens. */
  grants?: boolean
  /** It is sent with the tokens that there are, even when they are due to be renewed. */
  asIs?: boolean
}

/** A value that was computed, and the text that it was computed from. May hold secrets. */
export interface Canonical {
  name: string
  from: string
  value: string
}

export interface Written {
  request: WireRequest
  canonical: Canonical[]
}

/** An answer, read. */
export interface Heard<T> {
  outcome: Outcome
  /** As the contract writes it: text in mowork and oppmg, a number elsewhere; null where there was none. */
  code: string | number | null
  message: string
  data: unknown
  reason: Reason | null
  /** New tokens, where the answer brought some. */
  tokens: T | null
  /** The server's time in milliseconds, where the answer tells it. */
  time: number | null
  /** The whole answer as it was parsed. */
  envelope: unknown
}

/** Getting fresh tokens with those that there are. */
export interface Renewal<T> {
  /** Whether *asked* should wait for fresh tokens; *now* is the server's time in milliseconds. */
  due(tokens: T, now: number, asked: Asked): boolean
  /** Without fresh tokens the call cannot be made at all. */
  needed: boolean
  /** The call that brings them. */
  asked: Asked
  /** What they are, when that call was answered at *now*, where its answer does not hold them whole. */
  take?(tokens: T, heard: Heard<T>, now: number): T | null
}

/**
 * One house style: how a request is written, and how an answer is read. Nothing here sends or remembers.
 */
export interface Contract<T> {
  readonly name: string
  /** Return *asked* as it is sent with *tokens* at *now*, the server's time in milliseconds. */
  write(asked: Asked, tokens: T | null, now: number): Written
  /** Return what *answer* says to *asked*, which was sent with *tokens*; never throws. */
  read(answer: WireAnswer, asked: Asked, tokens: T | null): Heard<T>
  /** A text that is the same as long as the same credentials are shown. */
  shown(tokens: T): string
  /** A text that is the same throughout one session; where it cannot be told, that of `shown`. */
  session(tokens: T): string
  /** Whether *one* was made after *other*, of the same session. */
  newer?(one: T, other: T): boolean
  /** What an answer to a call with *tokens* changes in them besides; the same value where nothing. */
  told?(tokens: T, answer: WireAnswer, heard: Heard<T>): T
  renewal?: Renewal<T>
  /** The credentials of a call may be used by one call at a time. */
  oneAtATime?: boolean
}

/** `Retry-After` in whole seconds, where the answer has one. */
export function retryAfter(answer: WireAnswer): number | null {
  const seconds = Number(answer.headers['retry-after'])
  return answer.headers['retry-after'] && seconds >= 0 ? seconds : null
}

/** The members of a JSON object, or null where *text* is none. */
export function objectIn(text: string): { [member: string]: unknown } | null {
  try {
    return asObject(JSON.parse(text))
  } catch {
    return null
  }
}

/** *value* if it is an object and no list. */
export function asObject(value: unknown): { [member: string]: unknown } | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as { [member: string]: unknown })
    : null
}

/** What is said of an answer that this contract never gives: a proxy's page, another server's words. */
export function foreign<T>(answer: WireAnswer): Heard<T> {
  const gone = answer.status === 502 || answer.status === 503 || answer.status === 504
  const hint = gone ? '' : ', and no answer of this contract: check the base URL'
  return {
    outcome: gone ? 'busy' : 'not_this_contract',
    code: null,
    message: `HTTP ${answer.status}${hint}`,
    data: null,
    reason: null,
    tokens: null,
    time: null,
    envelope: answer.text
  }
}
