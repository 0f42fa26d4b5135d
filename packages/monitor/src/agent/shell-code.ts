import { DoppelError } from '@doppel/base'

/**
 * The guest's half of the agent is a POSIX shell that reads what we send: whatever Linux has a shell has an agent, and
 * this file is its only version. `helloCode` makes a fresh shell ready. It then understands
 *
 *     spawn ID IN OUT ERR    make a worker: a shell in a session of its own, on the channels with these numbers
 *     reap ID                take note that it has ended
 *     signal GROUP NAME      send a signal to a process group
 *
 * and answers on the control channel, a line each: `hello NONCE`, `idle ID PID GROUP` (a worker waits), `exit ID STATUS`.
 * A worker reads its code from its own input, up to a line that is its mark, and becomes that command; what follows on
 * the channel is the command's input. Workers wait ready-made because forking and starting a shell is most of what a
 * short command costs. A guest short of memory kills neither the agent nor workers, but what they have become.
 */
const AGENT = `
exec 3>&0 >/dev/null 2>&1
echo -999 >/proc/self/oom_score_adj
trap : HUP INT TERM
export PATH="\${PATH:-/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
cd /
P=$(readlink /proc/$$/fd/0)
P=\${P%p*}p
W='trap - HUP INT TERM
read -r a b c d e f </proc/$$/stat
echo "idle $1 $$ $e" >&3
c=
while IFS= read -r l && [ "$l" != "$2" ]; do c="$c$l
"; done
echo 0 >/proc/self/oom_score_adj
eval "$c"'
spawn() {
  (
    setsid sh -c "$W" sh "$1" "$M" <$P$2 >$P$3 2>$P$4
    echo "exit $1 $?" >&3
  ) &
  eval "J$1=$!"
}
reap() { eval "wait \\$J$1; unset J$1"; }
signal() { kill "-$2" "-$1"; }
`

/** What the code of a worker's command begins with; `ID folder` or `ID user` is said to fail. */
export function workerCode(
  id: number,
  request: {
    readonly code: string
    readonly cwd?: string | undefined
    readonly user?: string | undefined
    readonly stdin?: boolean | undefined
  },
): string {
  const fail = (reason: string): string => `{ echo "fail ${id} ${reason}" >&3; exit 126; }`
  // A worker stands in / already. Shells read channels byte by byte, so every byte here is a system call of the guest's.
  const enter = request.cwd === undefined ? '' : `cd ${shellQuote(request.cwd)} 2>/dev/null || ${fail('folder')}\n`
  const input = request.stdin ? '' : ' </dev/null'
  if (!request.user) return `${enter}exec 3>&-${input}\n${request.code}`
  // The user may not be allowed where root is: the folder is entered as the user.
  const as = `${enter}exec 3>&-\n${request.code}`
  const [name = '', group] = request.user.split(':')
  if (group !== undefined || /^\d+$/.test(name)) return `${numberedUser(name, group, fail('user'), as)}${input}`
  const user = shellQuote(name)
  const known = `id -u ${user} >/dev/null 2>&1 || ${fail('user')}\n`
  return `${known}exec su -s /bin/sh ${user} -c ${shellQuote(as)}${input}`
}

/**
 * Runs code as a user or group that may have no name in the guest, as `1000:1000` (OCI image-spec, config.md, "User"), by
 * whichever program is there that takes numbers. A number without a group is of the group that /etc/passwd says, or of 0.
 */
function numberedUser(user: string, group: string | undefined, fail: string, code: string): string {
  const who = shellQuote(user)
  const command = `/bin/sh -c ${shellQuote(code)}`
  return `u= g= h=/; while IFS=: read -r n _ x i _ d _; do
[ "$n" = ${who} ] || [ "$x" = ${who} ] && u=$x g=$i h=$d
done </etc/passwd
${/^\d+$/.test(user) ? `u=${user} g=\${g:-0}` : `[ "$u" ] || ${fail}`}
${group === undefined ? '' : `g=${shellQuote(group)}\n`}export HOME="$h"
setpriv --reuid=0 true 2>/dev/null && exec setpriv --reuid="$u" --regid="$g" --clear-groups ${command}
chroot --userspec=0:0 / true 2>/dev/null && exec chroot --userspec="$u:$g" --groups= / ${command}
b=/run/doppel/busybox; [ -x $b ] || b=busybox
$b start-stop-daemon -S -n doppel.none -c "$u:$g" -a true -x true >/dev/null 2>&1 || ${fail}
exec $b start-stop-daemon -S -n doppel.none -a /bin/sh -c "$u:$g" -- -c ${shellQuote(code)}`
}

/** What makes a fresh shell an agent; it answers `hello NONCE`. A worker's code ends with a line that is the nonce. */
export function helloCode(nonce: string): string {
  return `${AGENT}M=${nonce}\necho "hello ${nonce}" >&3\n`
}

/** One command for the agent, with every word quoted. */
export function agentLine(words: readonly (string | number)[]): string {
  return `${words.map(word => (typeof word === 'number' ? String(word) : shellQuote(word))).join(' ')}\n`
}

/** One shell word that stands for exactly this text (POSIX Shell §2.2.2). Throws `commands.argument` for a NUL. */
export function shellQuote(text: string): string {
  if (text.includes('\0')) throw new DoppelError('commands.argument', 'an argument holds a NUL, which none can')
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** What a line from the agent says. */
export type AgentEvent =
  | { readonly type: 'hello'; readonly nonce: string }
  | { readonly type: 'idle'; readonly id: number; readonly pid: number; readonly group: number }
  | { readonly type: 'fail'; readonly id: number; readonly reason: string }
  | { readonly type: 'exit'; readonly id: number; readonly status: number }

/** Longer lines are not the agent's; whoever sends them is a guest gone wrong. */
const MAX_LINE_BYTES = 256

/** Reads the agent's lines; what it did not write is passed over. */
export class AgentReader {
  #line = ''

  feed(bytes: Uint8Array): AgentEvent[] {
    const lines = (this.#line + new TextDecoder().decode(bytes)).split('\n')
    this.#line = (lines.pop() ?? '').slice(-MAX_LINE_BYTES)
    return lines.flatMap(line => parseLine(line) ?? [])
  }
}

function parseLine(line: string): AgentEvent | undefined {
  const [type, first = '', second = '', third = ''] = line.split(' ')
  if (type === 'hello') return { type, nonce: first }
  const id = number(first)
  if (id === undefined) return undefined
  if (type === 'fail') return { type, id, reason: second }
  const value = number(second)
  if (value === undefined) return undefined
  if (type === 'exit') return { type, id, status: value & 0xff }
  const group = number(third)
  return type === 'idle' && group !== undefined ? { type, id, pid: value, group } : undefined
}

function number(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}
