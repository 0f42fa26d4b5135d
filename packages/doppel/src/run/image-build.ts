import { copyFile, constants } from 'node:fs/promises'
import { DoppelError } from '@doppel/base'
import { type ImageConfig, type Recipe, type RecipeStep, readRecipe, type RootImage } from '@doppel/images'
import { shellQuote } from '@doppel/monitor'
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
  /** Gets the steps and what they print. */
  readonly show: (text: string) => void
}

/** Where the machine has the recipe's folder. */
const CONTEXT = '/run/doppel.context'

/**
 * Builds an image: runs a recipe's steps in a machine on a copy of the base image's disk. Throws `image.recipe`,
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
  const { disk } = base
  return await made(work, async path => {
    await copyFile(cache.objectPath(disk.sha256), path, constants.COPYFILE_FICLONE)
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
    await inBuildMachine(machine, async commands => await runSteps(recipe, commands, show))
    return { name, version: `built from ${recipe.from}`, config: recipe.config }
  })
}

async function runSteps(
  { steps }: Recipe,
  commands: Parameters<typeof buildCommand>[0],
  show: (text: string) => void,
): Promise<void> {
  for (const [index, step] of steps.entries()) {
    show(`STEP ${index + 1}/${steps.length}: ${step.text}\n`)
    const { env, folder, user } = step
    await buildCommand(commands, ['mkdir', '-p', folder])
    if (step.kind === 'run') await buildCommand(commands, step.command, { env, cwd: folder, user, show })
    else await buildCommand(commands, copyCode(step), { show })
  }
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
