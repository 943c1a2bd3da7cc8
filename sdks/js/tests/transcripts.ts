/**
 * Reads `tests/conformance/*.http`: what is sent and what comes back, as tests/conformance/transcripts.py plays them.
 *
 * Placeholders are computed here a second time, from the words of that file.
 */
import { createHash, createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'

export interface Exchange {
  title: string
  line: number
  /** Where the stage's clock stands, in milliseconds. */
  now: number
  /** The secrets of the clients on the stage, by id. */
  secrets: Map<string, string>
  method: string
  target: string
  headers: [name: string, value: string][]
  body: string
  status: number
  answer: { status: number; headers: { [name: string]: string }; text: string }
}

const HEADER = /^[A-Za-z][A-Za-z0-9-]*: /

export function exchanges(contract: string): Exchange[] {
  const path = new URL(`../../../tests/conformance/${contract}.http`, import.meta.url)
  const found: Exchange[] = []
  const secrets = new Map<string, string>()
  let now = 1_767_225_600_000
  let [title, start] = ['', 0]
  let sent: string[] = []
  let expected: string[] = []

  for (const [index, line] of [...readFileSync(path, 'utf8').split('\n'), ''].entries()) {
    if (line.startsWith('## ')) title = line.slice(3)
    else if (line.startsWith('@ clock ')) now = Number(line.slice(8))
    else if (line.startsWith('@ wait ')) now += Math.round(Number(line.slice(7)) * 1000)
    else if (line.startsWith('@ client ')) {
      const [, id, secret] = /^@ client (\S+) ("[^"]*"|\S+)/.exec(line)!
      if (secret !== '-') secrets.set(id!, secret!.replace(/"/g, ''))
    } else if (line.startsWith('>')) {
      start = start || index + 1
      sent.push(line.slice(2))
    } else if (line.startsWith('<')) expected.push(line.slice(2))
    else if (!line.trim() && sent.length) {
      found.push(exchange(title, start, now, new Map(secrets), sent, expected))
      ;[sent, expected, start] = [[], [], 0]
    }
  }
  return found
}

function exchange(
  title: string, line: number, now: number, secrets: Map<string, string>, sent: string[], expected: string[]
): Exchange {
  const [method, raw] = split(sent[0]!, ' ')
  const target = filled(raw, raw, now)
  const asked = headAndBody(sent.slice(1))
  const came = headAndBody(expected.slice(1))
  const status = Number(expected[0])
  const headers: { [name: string]: string } = {}
  for (const [name, value] of came.headers) if (value !== '-') headers[name.toLowerCase()] = value
  const reason = /"reason":"(\w+)"/.exec(came.body)
  if (reason) headers['x-lingpai-reason'] = reason[1]!
  return {
    title, line, now, secrets, method, target, status,
    headers: asked.headers.map(([name, value]) => [name, filled(value, target, now)]),
    body: filled(asked.body, target, now),
    answer: { status, headers, text: came.body }
  }
}

function headAndBody(lines: string[]): { headers: [string, string][]; body: string } {
  const headers: [string, string][] = []
  const rest = [...lines]
  while (rest.length && HEADER.test(rest[0]!)) headers.push(split(rest.shift()!, ': '))
  if (rest.length && !rest[0]) rest.shift()
  return { headers, body: rest.join('\n') }
}

function split(text: string, at: string): [string, string] {
  const place = text.indexOf(at)
  return [text.slice(0, place), text.slice(place + at.length)]
}

/** Bytes that are no UTF-8 become U+FFFD: no SDK writes them. */
function filled(text: string, target: string, now: number): string {
  return text.replace(/\{\{(\w+)(?::([^{}]*))?\}\}/g, (_, name: string, argument = '') => PLACEHOLDERS[name]!(argument, target, now))
}

const PLACEHOLDERS: { [name: string]: (argument: string, target: string, now: number) => string } = {
  bytes: size => 'x'.repeat(Number(size)),
  nested: levels => '['.repeat(Number(levels)) + ']'.repeat(Number(levels)),
  hex: digits => Buffer.from(digits, 'hex').toString('utf8'),
  api_token(_, target, now) {
    const url = new URL(target, 'http://stage')
    const named = url.searchParams.has('mod')
    const parts = named ? ['mod', 'ctl', 'act'].map(name => url.searchParams.get(name)) : target.split('?')[0]!.split('/').slice(2, 5)
    const day = new Date(now + 8 * 3_600_000).toISOString().slice(0, 10)
    return createHash('md5').update(`${parts.join('')}${day}k3y-Of-20-chars-long`).digest('hex')
  },
  user_token(words) {
    const [id, username, session, ...more] = words.split(' ')
    const changes = new Map(more.map(word => split(word, '=')))
    const number = (value: number, size: number): string => {
      const bytes = Buffer.alloc(size)
      bytes.writeUInt32BE(value, size - 4)
      return bytes.toString('base64url')
    }
    const taken = (name: string, otherwise: string): string => changes.get(name) ?? otherwise
    const fields = {
      id: Number(id),
      username: taken('username', username!),
      sid: taken('sid', number(Number(session), 16)),
      jti: number(Number(session) + 1, 12)
    }
    const sorted = JSON.stringify(Object.fromEntries(Object.entries(fields).sort()))
    const md5 = taken('md5', createHash('md5').update(`${sorted}md5-salt-for-tests`).digest('hex'))
    const iat = Number(taken('iat', '1600000000'))
    const claims = { ...fields, ...(md5 ? { md5 } : {}), iat, exp: Number(taken('exp', String(iat + 86_400))) }
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
    const key = taken('key', 'thinkjs-key-for-tests-of-32bytes')
    return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
  }
}
