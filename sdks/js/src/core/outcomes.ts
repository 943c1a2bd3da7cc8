/** How a call ended, in one word for all contracts. */
export type Outcome =
  | 'ok'
  | 'renewed'
  | 'session_over'
  | 'sign_in_failed'
  | 'argument_bad'
  | 'unreadable'
  | 'name_taken'
  | 'not_a_member'
  | 'not_allowed'
  | 'too_many_attempts'
  | 'too_many_devices'
  | 'password_too_weak'
  | 'no_such_call'
  | 'wrong_method'
  | 'body_too_large'
  | 'not_modified'
  | 'nothing_there'
  | 'timestamp_bad'
  | 'client_refused'
  | 'code_spent'
  | 'busy'
  | 'internal'
  | 'refused'
  | 'not_this_contract'
  | 'no_answer'
  | 'aborted'

/** Why a session is over, in the server's words; `signed_out` is the user's own doing, here or in another tab. */
export type Reason =
  | 'replaced'
  | 'kicked_out'
  | 'idle'
  | 'expired'
  | 'password_changed'
  | 'disabled'
  | 'left_company'
  | 'refresh_reused'
  | 'unknown'
  | 'signed_out'

/** What *table* says of *code*; a code that only every object has a member for, such as `constructor`, is in none. */
export function outcomeOf(table: { readonly [code: string]: Outcome }, code: string | number): Outcome | undefined {
  return Object.prototype.hasOwnProperty.call(table, code) ? table[code] : undefined
}

/** *text* as a reason; a word that a newer server knows is `unknown` here. */
export function reasonOf(text: unknown): Reason | null {
  if (typeof text !== 'string' || !text) return null
  return (REASONS as readonly string[]).indexOf(text) < 0 ? 'unknown' : (text as Reason)
}

const REASONS: readonly Reason[] = [
  'replaced',
  'kicked_out',
  'idle',
  'expired',
  'password_changed',
  'disabled',
  'left_company',
  'refresh_reused',
  'signed_out'
]
