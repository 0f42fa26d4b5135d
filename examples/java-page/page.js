// @ts-check
import { imageInMemory, JavaMachine, memoryHost, RuntimeImage } from '@doppel/jvm'

/** Files of java.home that the library reads besides its image; a program may do without most of them. */
const LIBRARY_FILES = [
  'lib/tzdb.dat',
  'lib/security/default.policy',
  'conf/logging.properties',
  'conf/net.properties',
  'conf/security/java.policy',
  'conf/security/java.security',
]
const HOME = '/library'

/** @param {string} id */
const element = id => /** @type {HTMLElement} */ (document.getElementById(id))
/** @param {string} id */
const input = id => /** @type {HTMLInputElement} */ (element(id))

/** @param {string} url @returns {Promise<Uint8Array>} */
async function bytesOf(url) {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`)
  return new Uint8Array(await response.arrayBuffer())
}

/** @type {Promise<{ image: Uint8Array, files: Record<string, Uint8Array> }> | undefined} */
let library
async function fetchLibrary() {
  const image = await bytesOf(`${HOME}/lib/modules`)
  /** @type {Record<string, Uint8Array>} */
  const files = {}
  for (const path of LIBRARY_FILES) {
    const response = await fetch(`${HOME}/${path}`)
    if (response.ok) files[`${HOME}/${path}`] = new Uint8Array(await response.arrayBuffer())
  }
  return { image, files }
}

/**
 * Runs a JAR to its end: its exit status.
 * @param {string} jar its address
 * @param {string[]} args
 * @param {(text: string) => void} show
 */
async function run(jar, args, show) {
  library ??= fetchLibrary()
  const { image, files } = await library
  const decoders = [new TextDecoder(), new TextDecoder()]
  const host = memoryHost({
    files: { ...files, '/home/app.jar': await bytesOf(jar) },
    write: (stream, bytes) => show(/** @type {TextDecoder} */ (decoders[stream - 1]).decode(bytes, { stream: true })),
  })
  const machine = new JavaMachine(host, new RuntimeImage(imageInMemory(image)), {
    properties: {
      'java.version': '17',
      'java.specification.version': '17',
      'java.class.version': '61.0',
      'java.runtime.version': '17',
      'java.class.path': '/home/app.jar',
      'user.home': '/home',
      'user.name': 'page',
    },
    maxHeapBytes: 512 * 2 ** 20,
    // What a page’s stacks hold.
    stackBytes: 200 * 1024,
    javaHome: HOME,
  })
  return await machine.run({ kind: 'jar', name: '/home/app.jar', args })
}

element('form').addEventListener('submit', event => {
  event.preventDefault()
  const output = element('output')
  const status = element('status')
  output.textContent = ''
  status.textContent = 'running'
  const words = input('arguments')
    .value.split(' ')
    .filter(word => word !== '')
  run(input('jar').value, words, text => (output.textContent += text)).then(
    code => (status.textContent = `ended with status ${code}`),
    error => (status.textContent = `failed: ${error.message}`),
  )
})

const asked = new URLSearchParams(location.search)
input('jar').value = asked.get('jar') ?? ''
input('arguments').value = asked.get('arguments') ?? ''
if (input('jar').value !== '') /** @type {HTMLFormElement} */ (element('form')).requestSubmit()
