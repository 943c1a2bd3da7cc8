/** Those who want to hear of one thing. One that throws keeps nobody else from hearing. */
export class Listeners<E> {
  private readonly all: ((event: E) => void)[] = []

  get any(): boolean {
    return this.all.length > 0
  }

  /** Return how to stop hearing. */
  add(listener: (event: E) => void): () => void {
    this.all.push(listener)
    return () => {
      const at = this.all.indexOf(listener)
      if (at >= 0) this.all.splice(at, 1)
    }
  }

  tell(event: E): void {
    for (const listener of this.all.slice()) {
      try {
        listener(event)
      } catch (error) {
        // The page's own mistake: it surfaces as any unhandled error of the page does, and not in a call of ours.
        void Promise.reject(error)
      }
    }
  }
}
