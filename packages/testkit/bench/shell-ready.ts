/** How much of the output's end is looked at: a prompt is shorter, even in an odd folder. */
const TAIL_CHARACTERS = 200

/** What busybox sends to learn where the cursor is, just before its prompt: DSR 6 (ECMA-48 §8.3.35). */
const CURSOR_QUERY = '\u001b[6n'

/** What bash sends before its prompt: pasted text is to be marked. */
const PASTE_MODE = '\u001b[?2004h'

/** True when a console's output ends in the image's prompt, or in busybox's query for it: the shell awaits a command. */
export function isShellReady(output: string): boolean {
  const tail = output.slice(-TAIL_CHARACTERS)
  return tail.includes(CURSOR_QUERY) || /(?:^|[\r\n])root@\S+:\S+# $/.test(tail.replaceAll(PASTE_MODE, ''))
}
