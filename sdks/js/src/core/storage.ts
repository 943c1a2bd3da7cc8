/**
 * Where tokens are kept: a few texts by key, at once. `localStorage` and the mini-programs' storages fit.
 */
export interface Storage {
  read(key: string): string | null
  write(key: string, text: string): void
  remove(key: string): void
  /** Call *changed* when another tab changes *key*; return how to stop. Absent where nobody else can. */
  watch?(key: string, changed: () => void): () => void
}

/** A storage that lasts as long as the page. */
export function memoryStorage(): Storage {
  const kept: { [key: string]: string } = Object.create(null)
  return {
    read: key => (key in kept ? (kept[key] as string) : null),
    write(key, text) {
      kept[key] = text
    },
    remove(key) {
      delete kept[key]
    }
  }
}
