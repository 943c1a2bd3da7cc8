/** The conversations that drive the server's tests drive these: the same requests, to the byte, and the same endings. */
import { expect, test } from 'vitest'
import {
  LingpaiError, moworkContract, oppmgContract, thinkjsContract, twokeysContract, zhiyunContract
} from '../src/index.js'
import type { Contract, Outcome, WireRequest } from '../src/index.js'
import { memoryStorage } from '../src/core/storage.js'
import { recognised } from './recognised.js'
import type { Ours } from './recognised.js'
import { exchanges } from './transcripts.js'
import type { Exchange } from './transcripts.js'

const keys = { base: '', clientId: '', clientSecret: '' }
const CONTRACTS: { [name: string]: (exchange: Exchange) => Contract<any> } = {
  mowork: () => moworkContract(keys),
  oppmg: () => oppmgContract(keys),
  thinkjs: () => thinkjsContract(keys),
  // One stage direction says that a success is 0 from there on.
  twokeys: ({ title }) => twokeysContract({ ...keys, successCode: /as 0/.test(title) ? 0 : 1 }),
  zhiyun: () => zhiyunContract(keys)
}
const MENDED: Outcome[] = ['renewed', 'code_spent']

for (const name of Object.keys(CONTRACTS)) {
  const all = exchanges(name)

  test(`${name}: what the transcript sends and the SDK can send, it sends to the byte, and hears what is answered`, async () => {
    const ours = all.map(exchange => [exchange, recognised(name, exchange)] as const)
    for (const [exchange, verdict] of ours) if ('make' in verdict) await replayed(name, exchange, verdict)
  })

  test(`${name}: every request and every answer of the transcript is accounted for (npm test -- -u counts anew)`, async () => {
    const lines = [
      ...counted(all.map(exchange => verdictLine(name, exchange))),
      '',
      ...counted(all.filter(({ status }) => status !== 204).map(exchange => `answer: ${heard(name, exchange).outcome}`))
    ]
    await expect(lines.join('\n') + '\n').toMatchFileSnapshot(`counted/${name}.txt`)
  })

  test(`${name}: every answer of its own is read as one, and the reason with it`, () => {
    for (const exchange of all.filter(({ status, answer }) => status !== 204 && !answer.text.startsWith('<?xml'))) {
      const { outcome, reason } = heard(name, exchange)
      const where = `${name}.http:${exchange.line}`
      expect(['not_this_contract', 'refused'], where).not.toContain(outcome)
      expect(reason, where).toBe(outcome === 'session_over' ? exchange.answer.headers['x-lingpai-reason'] ?? null : null)
    }
  })
}

async function replayed(name: string, exchange: Exchange, ours: Ours): Promise<void> {
  const where = `${name}.http:${exchange.line}: ${exchange.title}`
  const sent: WireRequest[] = []
  const storage = memoryStorage()
  if (ours.tokens) storage.write(`lingpai.${name}`, JSON.stringify({ tokens: ours.tokens, skew: 0 }))
  const language = exchange.headers.find(([header]) => header.toLowerCase() === 'accept-language')?.[1]
  const success = /as 0/.test(exchange.title) ? { successCode: 0 } : {}
  const ended = await ours
    .make({
      base: `/${name}`,
      storage,
      language,
      ...success,
      now: () => ours.now,
      sleep: async () => undefined,
      transport: async request => {
        sent.push(request)
        if (sent.length > 1) throw new Error('the transcript knows one answer')
        return exchange.answer
      }
    })
    .then(() => 'ok', error => (error as LingpaiError).outcome)

  const first = sent[0]!
  const asked = Object.fromEntries(exchange.headers.map(([header, value]) => [header.toLowerCase(), value]))
  const written = Object.fromEntries(Object.entries(first.headers).map(([header, value]) => [header.toLowerCase(), value]))
  const { accept, 'content-type': type, ...credentials } = written
  expect(`${first.method} ${first.url}`, where).toBe(`${exchange.method} ${exchange.target}`)
  expect({ accept, 'content-type': type, ...asked }, where).toEqual({ accept, 'content-type': type, ...credentials })
  expect(first.body ?? '', where).toBe(exchange.body)

  const { outcome } = heard(name, exchange)
  if (MENDED.includes(outcome)) expect([sent.length > 1, ended], where).toEqual([true, 'no_answer'])
  else if (/logout|delete/.test(first.url) && outcome === 'session_over') expect(ended, where).toBe('ok')
  else if (outcome === 'not_allowed' && name === 'twokeys') expect(['not_allowed', 'session_over'], where).toContain(ended)
  else expect(ended, where).toBe(outcome)
}

function heard(name: string, exchange: Exchange) {
  const asked = { name: '', method: 'POST' as const, path: '', user: true }
  return CONTRACTS[name]!(exchange).read(exchange.answer, asked, { access_token: '', refresh_token: '' })
}

function verdictLine(name: string, exchange: Exchange): string {
  const verdict = recognised(name, exchange)
  return 'make' in verdict ? "request: the SDK's" : `request: not the SDK's: ${verdict.rule}`
}

function counted(lines: string[]): string[] {
  const counts = new Map<string, number>()
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1)
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([line, count]) => `${String(count).padStart(4)}  ${line}`)
}
