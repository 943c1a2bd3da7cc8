import { defineConfig } from 'vitest/config'

const pages = new URL('../../tests/clients/pages/thinkjs', import.meta.url).pathname

export default defineConfig({
  resolve: {
    alias: {
      // The names that the thinkjs document's own module imports.
      '@/common/request': new URL('tests/document/common/request.js', import.meta.url).pathname,
      '@/store': new URL('tests/document/store.js', import.meta.url).pathname,
      '@/api/token': `${pages}/api/token.js`
    }
  },
  test: { include: ['tests/**/*.test.ts'] }
})
