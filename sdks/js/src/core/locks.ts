import type { Storage } from './storage.js'

/** Runs *work* while nobody else who holds a lock of the same name runs theirs. */
export type Lock = <R>(work: () => Promise<R>) => Promise<R>

/** One after the other, within this page. */
export function inTurn(): Lock {
  let last: Promise<unknown> = Promise.resolve()
  return work => {
    const mine = last.then(work, work)
    last = mine.catch(() => undefined)
    return mine
  }
}

/** `navigator.locks`, as much of it as is used here. */
export interface WebLocks {
  request<R>(name: string, work: () => Promise<R>): Promise<R>
}

/** One after the other, in all tabs of this browser. Only secure pages have it. */
export function webLock(name: string, locks: WebLocks): Lock {
  return work => locks.request(name, work)
}

export interface LeaseOptions {
  now(): number
  sleep(milliseconds: number): Promise<void>
  random(): number
  /** A holder that is silent for so long is taken for gone. */
  milliseconds?: number
}

const SETTLE = 25

/**
 * One after the other in all tabs that share *storage*, for pages without Web Locks.
 *
 * A storage has no test-and-set, so a taker writes its name, lets others write theirs, and looks whose stayed. In
 * the worst case two hold it; the session's own rule, that a change names the tokens it was made from, is the
 * fence that keeps the slower of them from undoing the other's work, and the server's renewal is idempotent.
 */
export function leaseLock(name: string, storage: Storage, options: LeaseOptions): Lock {
  const milliseconds = options.milliseconds || 15000
  const holder = (): { of: string; until: number } => {
    const [of, until] = (storage.read(name) || '').split(' ')
    return { of: of || '', until: Number(until) || 0 }
  }
  const free = (): boolean => {
    const { of, until } = holder()
    // A lease that ends later than one could be taken now was written under another clock.
    return !of || until <= options.now() || until > options.now() + milliseconds
  }

  async function take(me: string): Promise<void> {
    for (;;) {
      if (free()) {
        storage.write(name, `${me} ${options.now() + milliseconds}`)
        await options.sleep(SETTLE)
        if (holder().of === me) return
      }
      await options.sleep(SETTLE * (1 + options.random()))
    }
  }

  return async work => {
    const me = String(options.random()).slice(2) + options.now()
    await take(me)
    try {
      return await work()
    } finally {
      if (holder().of === me) storage.remove(name)
    }
  }
}
