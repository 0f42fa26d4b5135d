import { existsSync } from 'node:fs'
import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'

/** Debian's browser; the browser project exists only where it is installed. */
const CHROMIUM = '/usr/bin/chromium'

/** Low packages use no Node-only API: their tests run in both homes. `*.node.test.ts` needs files or processes. */
const LOW_PACKAGES = 'packages/{base,wasm,engine,riscv,devices,board,monitor,jvm,pcode}/src/**/*.test.ts'
const NODE_ONLY = '**/*.node.test.ts'

const node = {
  extends: true as const,
  test: { name: 'node', include: ['packages/*/{src,test,bench}/**/*.test.ts', 'scripts/**/*.test.ts'] },
}

/** Without these a page has no shared memory. */
const ISOLATED = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

const browser = {
  extends: true as const,
  server: { headers: ISOLATED },
  test: {
    name: 'chromium',
    include: [LOW_PACKAGES],
    exclude: [NODE_ONLY],
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: {
          executablePath: CHROMIUM,
          args: [
            '--no-sandbox',
            '--disable-gpu',
            '--disable-quic',
            '--no-first-run',
            '--disable-background-networking',
          ],
        },
      }),
      instances: [{ browser: 'chromium' as const }],
    },
  },
}

/** Whole machines against outside judges: minutes, and Debian's archive or a filled cache. `npm run test:conformance`. */
const conformance = {
  extends: true as const,
  test: {
    name: 'conformance',
    include: ['packages/testkit/conformance/*.node.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 900_000,
  },
}

export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source', 'node', 'import', 'default'] } },
  test: { testTimeout: 120_000, projects: [node, ...(existsSync(CHROMIUM) ? [browser] : []), conformance] },
})
