/**
 * A server that speaks as much of oppmg as renewals need, for faults that a real one does not have to order.
 *
 * Its rules are those of tests/conformance/oppmg.http; tests/clients/test_js_sdk.py asks the real one.
 */
import type { Transport, WireAnswer, WireRequest } from '../src/index.js'

const ACCESS = 1800
const REFRESH = 3600
const LEEWAY = 2
const GRACE = 30

export class Office {
  now = 1_700_000_000_000
  sid = 'first'
  generation = 1
  made = [0, this.seconds]
  refreshes = 0
  rotations = 0
  done: string[] = []
  over = ''
  /** How many of the next answers get lost; the call is done all the same. */
  lose = 0
  seen: WireRequest[] = []

  get seconds(): number {
    return Math.floor(this.now / 1000)
  }

  transport: Transport = async request => {
    this.seen.push(request)
    await Promise.resolve()
    const answer = this.answer(request)
    if (this.lose > 0) {
      this.lose -= 1
      throw new Error('connection lost')
    }
    return answer
  }

  pair(generation = this.generation): object {
    const iat = this.made[generation]!
    const token = (kind: string, life: number): string => {
      const claims = { exp: iat + life + LEEWAY, iat, sid: this.sid, jti: `${this.sid}.${kind}${generation}` }
      return ['{}', JSON.stringify(claims), 'signed'].map(part => Buffer.from(part).toString('base64url')).join('.')
    }
    return {
      access_token: token('a', ACCESS), expires_in: iat + ACCESS,
      refresh_token: token('r', REFRESH), refresh_expires: iat + REFRESH
    }
  }

  private answer({ url, headers, body }: WireRequest): WireAnswer {
    if (url.endsWith('/auth/login')) {
      this.sid += '+'
      this.over = ''
      return this.say('00000', this.rotate())
    }
    const access = shown(headers['x-mmm-accesstoken'])
    const refresh = shown(headers['x-mmm-refreshtoken'])
    if (url.endsWith('/auth/refresh_token')) {
      this.refreshes += 1
      return this.renewed(refresh, '00000')
    }
    if (this.over || access.sid !== this.sid) return this.say('10024', { reason: this.over || 'unknown' })
    if (url.endsWith('/auth/logout')) {
      this.over = 'unknown'
      return this.say('00000', {})
    }
    if (this.seconds >= access.exp) return this.renewed(refresh, '10026')
    if (url.endsWith('/auth/change_company')) return this.say('00000', this.rotate())
    this.done.push(body ?? url)
    return this.say('00000', { uid: 1 })
  }

  private renewed(refresh: Claims, code: string): WireAnswer {
    const generation = Number(/\d+$/.exec(refresh.jti)?.[0])
    const exchanged = this.made[generation + 1]
    const late = exchanged !== undefined && this.seconds > exchanged + GRACE
    if (this.over || refresh.sid !== this.sid || this.seconds >= refresh.exp || late) {
      if (late) this.over = 'unknown'
      return this.say('10024', { reason: this.over || 'expired' })
    }
    return this.say(code, exchanged === undefined ? this.rotate() : this.pair())
  }

  private rotate(): object {
    this.rotations += 1
    this.generation += 1
    this.made[this.generation] = this.seconds
    return this.pair()
  }

  private say(code: string, data: object): WireAnswer {
    return { status: 200, headers: {}, text: JSON.stringify({ code, msg: code, data }) }
  }
}

interface Claims {
  exp: number
  sid: string
  jti: string
}

function shown(token = ''): Claims {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString() || '{}')
}
