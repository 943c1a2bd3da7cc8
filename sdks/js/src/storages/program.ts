import type { Storage } from '../core/storage.js'

/** The storage of `uni` or `wx`, as much of it as is used here. */
export interface ProgramStorage {
  getStorageSync(key: string): unknown
  setStorageSync(key: string, value: unknown): void
  removeStorageSync(key: string): void
}

/** Tokens in the storage of a mini-program or an app made with uni-app. A missing key reads as empty text there. */
export function programStorage(program: ProgramStorage): Storage {
  return {
    read(key) {
      const value = program.getStorageSync(key)
      return typeof value === 'string' && value ? value : null
    },
    write: (key, text) => program.setStorageSync(key, text),
    remove: key => program.removeStorageSync(key)
  }
}
