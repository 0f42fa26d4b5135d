import { copyFile, constants } from 'node:fs/promises'
import { DoppelError, hostClock } from '@doppel/base'
import { type ImageConfig, type RecipeStep, readRecipe, type RootImage, saveRootImage } from '@doppel/images'
import { shellQuote } from '@doppel/monitor'
import { BuildCache } from './build-cache.ts'
import { buildCommand, inBuildMachine } from './build-machine.ts'
import { ROOT_SERIAL } from './boot-files.ts'
import { made } from './image-import.ts'
import { findOrMakeImage, type ImageWork } from './images.ts'

/** What to build. */
export interface ImageBuild {
  readonly name: string
  /** The recipe, and what it is called in messages. */
  readonly recipe: string
  readonly where: string
  /** The folder that COPY takes from. */
  readonly folder: string
  readonly memoryBytes?: number
  /** Runs every step anew. */
  readonly isFresh?: boolean
  /** Gets the steps and what they print. */
  readonly show: (text: string) => void
}

/** Where the machine has the recipe's folder. */
const CONTEXT = '/run/doppel.context'
const clock = hostClock()
/** A step that took less is done again as fast as its disk is copied. */
const WORTH_KEEPING_NS = 2e9

/**
 * Builds an image: runs a recipe's steps in a machine on a copy of the base image's disk, from the first one on that an
 * earlier build has not left the outcome of. Throws `image.recipe`,
 * `image.build`, and what making the base throws.
 */
export async function buildImage(build: ImageBuild, work: ImageWork): Promise<RootImage> {
  const { name, where, folder, memoryBytes, show } = build
  const { cache, env, progress } = work
  let base: RootImage | undefined
  const configOf = async (from: string): Promise<ImageConfig> => {
    base = await findOrMakeImage(from, work)
    return base.config
  }
  const recipe = await readRecipe(build.recipe, where, configOf)
  if (!base) throw new DoppelError('image.recipe', `${where} has no base`)
  const { steps, config } = recipe
  const image = { name, version: `built from ${recipe.from}`, config }
  const kept = new BuildCache(cache)
  const keys = await kept.keys(base.disk, steps, folder)
  const found = build.isFresh ? undefined : await kept.find(keys)
  const done = found?.done ?? 0
  for (const [index, step] of steps.slice(0, done).entries()) show(stepTitle(steps, index, step, ', kept'))
  if (found && done === steps.length) {
    const whole = { ...image, disk: found.disk }
    await saveRootImage(cache, whole)
    return whole
  }
  const from = found?.disk ?? base.disk
  const result = await made(work, async path => {
    await copyFile(cache.objectPath(from.sha256), path, constants.COPYFILE_FICLONE)
    const machine = {
      // What the base says of its runs does not concern the build's own shell.
      image: { name: recipe.from, root: {} },
      disks: [{ path, mode: 'read-write', serial: ROOT_SERIAL }],
      volumes: [{ hostPath: folder, guestPath: CONTEXT, readOnly: true }],
      network: { mode: 'nat', publish: [], policy: {} },
      ...(memoryBytes !== undefined && { memoryBytes }),
      env,
      progress,
    } as const
    await inBuildMachine(machine, async (commands, whileStill) => {
      for (let index = done; index < steps.length; index++) {
        const step = steps[index] as RecipeStep
        show(stepTitle(steps, index, step))
        const beganNs = clock.monotonicNs()
        await runStep(step, commands, show)
        // The last one's is the image itself.
        if (index === steps.length - 1 || clock.monotonicNs() - beganNs < WORTH_KEEPING_NS) continue
        await buildCommand(commands, ['sync'])
        await whileStill(() => kept.keepCopy(keys[index] as string, path))
      }
    })
    return image
  })
  const last = keys.at(-1)
  if (last !== undefined) await kept.keep(last, result.disk)
  return result
}

const stepTitle = (steps: readonly RecipeStep[], index: number, { text }: RecipeStep, more = ''): string =>
  `STEP ${index + 1}/${steps.length}${more}: ${text}\n`

async function runStep(
  step: RecipeStep,
  commands: Parameters<typeof buildCommand>[0],
  show: (text: string) => void,
): Promise<void> {
  const { env, folder, user } = step
  await buildCommand(commands, ['mkdir', '-p', folder])
  if (step.kind === 'run') await buildCommand(commands, step.command, { env, cwd: folder, user, show })
  else await buildCommand(commands, copyCode(step), { show })
}

/**
 * Shell code for COPY: of a folder its content, of a file the file, into the target where that is a folder. What arrives
 * is root's.
 */
function copyCode({ sources, target }: Extract<RecipeStep, { kind: 'copy' }>): string {
  const to = shellQuote(target)
  const above = shellQuote(target.endsWith('/') ? target : target.replace(/\/[^/]*$/, '') || '/')
  return `set -e\n${sources
    .map(source => {
      const from = `${CONTEXT}/${shellQuote(source)}`
      return `if [ -d ${from} ]; then mkdir -p ${to}; cp -R ${from}/. ${to}; else mkdir -p ${above}; cp ${from} ${to}; fi\n`
    })
    .join('')}`
}
