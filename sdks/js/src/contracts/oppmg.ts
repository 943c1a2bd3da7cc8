/**
 * oppmg: a pair of tokens in two headers. 10026 brings a new pair with the refusal of a call; 10024 ends the session.
 *
 * The pair is renewed shortly before `expires_in`, reckoned by the server's clock, and whenever 10026 says so.
 */
import { fromBase64 } from '../core/base64.js'
import { Calls } from '../core/calls.js'
import type { CallOptions } from '../core/client.js'
import { asObject, foreign, objectIn } from '../core/contract.js'
import type { Asked, Contract, Heard, Written } from '../core/contract.js'
import { withQuery } from '../core/form.js'
import { outcomeOf, reasonOf } from '../core/outcomes.js'
import type { Outcome } from '../core/outcomes.js'
import type { WireAnswer } from '../core/wire.js'
import { completed } from '../platform.js'
import type { Options } from '../platform.js'

export type OppmgOptions = Options

export interface OppmgTokens {
  access_token: string
  /** The second at which the access token ends, by the server's clock. */
  expires_in: number
  refresh_token: string
  refresh_expires: number
}

export interface OppmgUser {
  uid: number
  account: string
  name: string
  phone: string
  /** The company that the tokens speak for. */
  company_id: number
  companies: { company_id: number; company_name: string; is_admin: boolean }[]
}

export const OPPMG_CODES: { readonly [code: string]: Outcome } = {
  '00000': 'ok',
  '10001': 'argument_bad',
  '10002': 'sign_in_failed',
  '10003': 'not_a_member',
  '10004': 'no_such_call',
  '10005': 'wrong_method',
  '10006': 'body_too_large',
  '10007': 'too_many_attempts',
  '10008': 'password_too_weak',
  '10009': 'not_allowed',
  '10010': 'too_many_devices',
  '10024': 'session_over',
  '10026': 'renewed',
  '99998': 'busy',
  '99999': 'internal'
}

const EARLY_SECONDS = 30
const EARLY_SHARE = 0.1

/** How oppmg writes and reads. */
export function oppmgContract(options: Omit<OppmgOptions, 'transport'>): Contract<OppmgTokens> {
  return {
    name: 'oppmg',
    write(asked: Asked, tokens: OppmgTokens | null): Written {
      const headers: { [name: string]: string } = { Accept: 'application/json' }
      if (tokens) {
        headers['x-mmm-accesstoken'] = tokens.access_token
        headers['x-mmm-refreshtoken'] = tokens.refresh_token
      }
      const url = options.base + asked.path
      if (asked.method === 'GET') {
        return { request: { method: 'GET', url: withQuery(url, asked.args || {}), headers, body: null }, canonical: [] }
      }
      if (asked.args) headers['Content-Type'] = 'application/json'
      const body = asked.args ? JSON.stringify(asked.args) : null
      return { request: { method: 'POST', url, headers, body }, canonical: [] }
    },
    read(answer: WireAnswer, asked: Asked): Heard<OppmgTokens> {
      const envelope = objectIn(answer.text)
      if (!envelope || typeof envelope['code'] !== 'string') return foreign(answer)
      const code = envelope['code']
      const data = asObject(envelope['data'])
      const outcome = outcomeOf(OPPMG_CODES, code) || 'refused'
      const tokens = outcome === 'renewed' || (outcome === 'ok' && asked.grants) ? pairIn(data) : null
      return {
        outcome,
        code,
        message: String(envelope['msg']),
        data,
        reason: outcome === 'session_over' ? reasonOf(data && data['reason']) : null,
        tokens,
        time: tokens ? claims(tokens).iat * 1000 : null,
        envelope
      }
    },
    shown: tokens => tokens.refresh_token,
    session: tokens => claims(tokens).sid || tokens.refresh_token,
    newer(one, other) {
      const [a, b] = [claims(one), claims(other)]
      return a.iat > b.iat || (a.iat === b.iat && a.generation > b.generation)
    },
    renewal: {
      needed: false,
      asked: { name: 'refresh', method: 'GET', path: '/v1/auth/refresh_token', user: true, grants: true },
      due(tokens, now) {
        const life = tokens.expires_in - claims(tokens).iat
        return now / 1000 >= tokens.expires_in - Math.min(EARLY_SECONDS, life * EARLY_SHARE)
      }
    }
  }
}

/** Calls in the house style of oppmg. */
export class Oppmg extends Calls<OppmgTokens> {
  constructor(options: OppmgOptions) {
    super(oppmgContract(options), completed(options, 'oppmg'))
  }

  /** *account* is a user name, or a phone number that was verified. */
  login(who: { account: string; password: string }, options?: CallOptions): Promise<OppmgTokens> {
    return this.enter('login', '/auth/login', { ...who }, options)
  }

  /** Renew the pair now. Calls do so by themselves when it is time. */
  refresh(): Promise<OppmgTokens> {
    return this.client.renew()
  }

  /** Speak for another of the user's companies from now on. */
  async changeCompany(company_id: number, options?: CallOptions): Promise<OppmgTokens> {
    const call = { name: 'changeCompany', method: 'POST' as const, path: '/v1/auth/change_company' }
    const asked = { ...call, args: { company_id }, user: true, grants: true }
    return (await this.client.rotate(asked, options)).tokens as OppmgTokens
  }

  info(options?: CallOptions): Promise<OppmgUser> {
    return this.account('info', 'GET', '/v1/user/info', undefined, options)
  }

  async changePassword(from: string, to: string, options?: CallOptions): Promise<void> {
    const args = { old_password: from, new_password: to }
    await this.account('changePassword', 'POST', '/v1/user/password', args, options)
  }

  logout(options?: CallOptions): Promise<void> {
    return this.client.logOut({ name: 'logout', method: 'POST', path: '/v1/auth/logout', user: true }, options)
  }

  protected path(module: string, name: string): string {
    return `/v1/${module}/${name}`
  }
}

function pairIn(data: { [member: string]: unknown } | null): OppmgTokens | null {
  if (!data || typeof data['access_token'] !== 'string' || typeof data['refresh_token'] !== 'string') return null
  return {
    access_token: data['access_token'],
    expires_in: Number(data['expires_in']),
    refresh_token: data['refresh_token'],
    refresh_expires: Number(data['refresh_expires'])
  }
}

/** What the access token says of itself; zeros and empty text where it is none of ours. Nothing is trusted here. */
function claims(tokens: OppmgTokens): { iat: number; sid: string; generation: number } {
  const said = objectIn(fromBase64(tokens.access_token.split('.')[1] || '') || '') || {}
  const generation = /\.a(\d+)$/.exec(String(said['jti']))
  return {
    iat: Number(said['iat']) || 0,
    sid: typeof said['sid'] === 'string' ? said['sid'] : '',
    generation: generation ? Number(generation[1]) : 0
  }
}
