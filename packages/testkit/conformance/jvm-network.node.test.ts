import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { doppel } from './doppel-process.ts'

const GET = `import java.net.*;
public class Get {
  public static void main(String[] a) throws Exception {
    try {
      HttpURLConnection c = (HttpURLConnection) new URL(a[0]).openConnection();
      System.out.println(c.getResponseCode() + " " + new String(c.getInputStream().readAllBytes()));
    } catch (java.io.IOException e) { System.out.println(e); }
  }
}`
const SERVE = `import java.net.*;
public class Serve {
  public static void main(String[] a) throws Exception {
    try (ServerSocket server = new ServerSocket(7777)) {
      System.out.println("listening");
      try (Socket s = server.accept()) {
        s.getOutputStream().write(("you said " + (char) s.getInputStream().read()).getBytes());
      }
    }
  }
}`
const LIST = `import java.io.*;
public class ListFiles {
  public static void main(String[] a) throws Exception {
    for (String name : a) {
      File f = new File(name);
      System.out.println(f.exists() + " " + (f.list() == null ? "no list" : f.list().length));
    }
    try { new FileWriter(a[1] + "/made").close(); } catch (IOException e) { System.out.println("refused"); }
  }
}`

let folder = ''
const server = createServer((request, response) => response.end(`asked for ${request.url}`))
let port = 0
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'doppel-java-net-'))
  for (const [name, text] of Object.entries({ Get: GET, Serve: SERVE, ListFiles: LIST })) {
    writeFileSync(join(folder, `${name}.java`), text)
  }
  const files = ['Get', 'Serve', 'ListFiles'].map(name => join(folder, `${name}.java`))
  const compiled = spawnSync('javac', ['-d', folder, ...files], { encoding: 'utf8' })
  if (compiled.status !== 0) throw new Error(compiled.stderr)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  port = typeof address === 'object' && address ? address.port : 0
})
afterAll(() => {
  server.close()
  rmSync(folder, { recursive: true })
})

async function get(url: string, ...options: readonly string[]): Promise<string> {
  return (await doppel(['java', ...options, '-cp', folder, 'Get', url])).stdout.toString().trim()
}

test('this computer is reached where it is allowed, and nowhere else', async () => {
  const url = `http://127.0.0.1:${port}/there`
  expect(await get(url, '--allow', `127.0.0.1:${port}`)).toBe('200 asked for /there')
  expect(await get(url)).toBe('java.net.ConnectException: Connection refused')
  expect(await get('http://10.0.0.1/')).toBe('java.net.SocketException: Permission denied')
  expect(await get('http://name.example/', '--network', 'none')).toBe('java.net.UnknownHostException: name.example')
})

test('a port that is published takes connections from outside', async () => {
  // A port that was free a moment ago.
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  const hostPort = typeof address === 'object' && address ? address.port : 0
  probe.close()
  let answer = Promise.resolve('')
  const ran = await doppel(['java', '--publish', `${hostPort}:7777`, '-cp', folder, 'Serve'], {
    onStdout: text => {
      if (text.includes('listening')) answer = say(hostPort)
    },
  })
  expect([ran.status, await answer]).toEqual([0, 'you said x'])
})
/** Says one letter to a port, once it is open, and gives what is answered. */
async function say(to: number): Promise<string> {
  for (let tries = 0; ; tries++) {
    const socket = connect(to, '127.0.0.1')
    try {
      await once(socket, 'connect')
      socket.write('x')
      const [bytes] = (await once(socket, 'data')) as [Buffer]
      return bytes.toString()
    } catch (error) {
      if (tries > 100) throw error
      await new Promise(resolve => setTimeout(resolve, 50))
    } finally {
      socket.destroy()
    }
  }
}

test('with granted folders, the others are not there', async () => {
  const granted = mkdtempSync(join(folder, 'granted-'))
  const other = mkdtempSync(join(folder, 'other-'))
  const args = ['java', '--files', granted, '-cp', join(folder), 'ListFiles', granted, other, '/etc']
  const ran = await doppel(args)
  // The class path is there, to be read: the other folder is within it.
  expect(ran.stdout.toString().trim().split('\n')).toEqual(['true 0', 'true 0', 'false no list', 'refused'])
})
