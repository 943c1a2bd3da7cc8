/**
 * Builds `dist`: ESM, CommonJS, one script for pages (global `Lingpai`), and the mini-program's CommonJS.
 *
 * All of them are ES2015, which WeChat's tools and every browser of the last nine years take as it is.
 */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { execFileSync } from 'node:child_process'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'

const BUILDS = [
  { format: 'es', file: 'esm/index.js', minify: false },
  { format: 'cjs', file: 'cjs/index.js', minify: false },
  { format: 'cjs', file: 'miniprogram/index.js', minify: true },
  { format: 'iife', file: 'lingpai.js', minify: true }
]

await rm('dist', { recursive: true, force: true })
for (const { format, file, minify } of BUILDS) {
  await build({
    configFile: false,
    logLevel: 'warn',
    build: {
      emptyOutDir: false,
      lib: { entry: 'src/index.ts', formats: [format], name: 'Lingpai', fileName: () => file },
      minify,
      outDir: 'dist',
      sourcemap: false,
      target: 'es2015'
    }
  })
}

execFileSync('node_modules/.bin/tsc', { stdio: 'inherit' })
const declarations = source => !/\.js$/.test(source)
for (const folder of ['cjs', 'miniprogram']) {
  await mkdir(`dist/${folder}`, { recursive: true })
  await cp('dist/esm', `dist/${folder}`, { recursive: true, filter: declarations })
  await writeFile(`dist/${folder}/package.json`, '{ "type": "commonjs" }\n')
}

for (const { file } of BUILDS) {
  const text = await readFile(`dist/${file}`)
  console.log(`dist/${file}`.padEnd(30), `${text.length} bytes, ${gzipSync(text, { level: 9 }).length} gzipped`)
}
