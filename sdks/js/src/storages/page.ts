import { memoryStorage } from '../core/storage.js'
import type { Storage } from '../core/storage.js'

/** `localStorage`, as much of it as is used here. */
export interface WebStorage {
  getItem(key: string): string | null
  setItem(key: string, text: string): void
  removeItem(key: string): void
}

interface StorageChange {
  key: string | null
}

declare const addEventListener: ((type: 'storage', listener: (change: StorageChange) => void) => void) | undefined
declare const removeEventListener: typeof addEventListener

/** Tokens in `localStorage`, for all tabs. Where the browser forbids it or it is full, in memory. */
export function pageStorage(web: WebStorage): Storage {
  const probe = 'lingpai.probe'
  try {
    web.setItem(probe, probe)
    web.removeItem(probe)
  } catch {
    return memoryStorage()
  }
  return {
    read: key => web.getItem(key),
    write: (key, text) => web.setItem(key, text),
    remove: key => web.removeItem(key),
    watch(key, changed) {
      if (typeof addEventListener !== 'function') return () => undefined
      // A storage that was cleared as a whole names no key.
      const listener = (change: StorageChange): void => {
        if (change.key === key || change.key === null) changed()
      }
      addEventListener('storage', listener)
      return () => removeEventListener && removeEventListener('storage', listener)
    }
  }
}
