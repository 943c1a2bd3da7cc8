/**
 * What this page, mini-program or process offers: how to send, where to keep tokens, how to keep tabs apart.
 *
 * Everything is looked for when a client is made, and nothing has to be there.
 */
import type { ClientOptions } from './core/client.js'
import { inTurn, leaseLock, webLock } from './core/locks.js'
import type { Lock, WebLocks } from './core/locks.js'
import { memoryStorage } from './core/storage.js'
import type { Storage } from './core/storage.js'
import type { Transport } from './core/wire.js'
import { pageStorage } from './storages/page.js'
import type { WebStorage } from './storages/page.js'
import { programStorage } from './storages/program.js'
import type { ProgramStorage } from './storages/program.js'
import { programTransport } from './transports/program.js'
import type { ProgramRequest } from './transports/program.js'
import { fetchTransport } from './transports/fetch.js'

export interface Options extends Omit<ClientOptions, 'transport' | 'storage'> {
  /** Where the contract is served, such as `https://example.com/oppmg`. */
  base: string
  /** `uni.request`, `wx.request` or `fetch` when missing, whichever is there first. */
  transport?: Transport | undefined
  /** `localStorage` or the mini-program's storage when missing; `memory` forgets with the page. */
  storage?: Storage | 'memory' | undefined
}

declare const uni: unknown
declare const wx: unknown
declare const localStorage: unknown
declare const navigator: unknown
declare const addEventListener: unknown
declare const setTimeout: ((work: () => void, milliseconds: number) => unknown) | undefined

type Program = ProgramRequest & ProgramStorage

/** *options* with everything filled in that a client needs. */
export function completed(options: Options, contract: string): ClientOptions {
  const program = here<Program>(() => uni, 'request') || here<Program>(() => wx, 'request')
  const storage = options.storage === 'memory' ? memoryStorage() : options.storage || found(program)
  const key = options.storageKey || `lingpai.${contract}`
  const sleep = options.sleep || sleeper()
  return {
    ...options,
    storage,
    sleep,
    transport: options.transport || (program ? programTransport(program) : fetchTransport()),
    lock: options.lock || lockFor(`${key}.lease`, storage, options, sleep)
  }
}

/** A page of uni-app has both; `localStorage` is the one by which tabs hear of each other. */
function found(program: Program | null): Storage {
  const web = here<WebStorage>(() => localStorage, 'setItem')
  if (web && typeof addEventListener === 'function') return pageStorage(web)
  if (program && typeof program.getStorageSync === 'function') return programStorage(program)
  return web ? pageStorage(web) : memoryStorage()
}

/** Only a storage that others can change needs more than turns within this page. */
function lockFor(name: string, storage: Storage, options: Options, sleep: ClientOptions['sleep']): Lock {
  const turns = inTurn()
  if (!storage.watch) return turns
  const web = here<{ locks?: WebLocks }>(() => navigator, 'locks')
  const now = options.now || Date.now
  const lease = (): Lock | undefined => sleep && leaseLock(name, storage, { now, sleep, random: Math.random })
  const tabs = web && web.locks ? webLock(name, web.locks) : lease()
  return tabs ? work => turns(() => tabs(work)) : turns
}

function sleeper(): ClientOptions['sleep'] {
  if (typeof setTimeout !== 'function') return undefined
  const after = setTimeout
  return milliseconds => new Promise(done => void after(done, milliseconds))
}

/** A global that has *member*; null where there is none, or where a page may not even ask. */
function here<G>(ask: () => unknown, member: string): G | null {
  try {
    const value = ask() as { [member: string]: unknown } | null | undefined
    return value && value[member] ? (value as unknown as G) : null
  } catch {
    return null
  }
}
