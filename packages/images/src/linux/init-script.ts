/**
 * The `/init` of doppel's `linux` image: the first process, a busybox shell script. What the host asks for comes in
 * `/doppel` (see guest-archive.ts). Three channels lead out of a machine that runs one command:
 *
 * - `hvc0`, raw: the command's standard input (framed) and output. `hvc1`, raw, where there is one: standard error.
 * - `ttyS0`: kernel messages, and control lines, each `doppel-NONCE WORD…`: `ready` when input may be sent, `input`
 *   when a frame has been consumed, `exit STATUS` as the last thing before the machine turns itself off.
 *
 * A virtio channel named `doppel.agent`, where there is one, gets a shell of its own: the host's agent.
 *
 * Input comes in frames: a decimal length and a newline, then so many bytes; length 0 is the end of input. A terminal
 * in raw mode has no end of file, and the host needs to know when it may send more.
 */
export const INIT_SCRIPT = `#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /run /tmp /root /mnt /sbin /usr/bin /usr/sbin
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox --install -s
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root USER=root LOGNAME=root SHELL=/bin/sh
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t tmpfs -o mode=755 tmpfs /run
chmod 1777 /tmp
ln -s /proc/self/fd /dev/fd
ln -s /proc/self/fd/0 /dev/stdin
ln -s /proc/self/fd/1 /dev/stdout
ln -s /proc/self/fd/2 /dev/stderr

# Drivers for the hardware that is here. virtio_mmio makes more devices appear, hence the second look.
for bus in platform virtio; do
  aliases=$(cat /sys/bus/$bus/devices/*/modalias 2>/dev/null | grep virtio)
  [ -z "$aliases" ] || modprobe -abq $aliases
done

name=doppel
volume() {
  mkdir -p "$2" && mount -t virtiofs -o "$3" "$1" "$2" || echo "doppel: cannot mount volume $1 on $2" >/dev/console
}
for word in $(cat /proc/cmdline); do
  case $word in
    doppel.hostname=*) name=\${word#*=} ;;
    doppel.volume=*)
      rest=\${word#*=} tag=\${rest%%:*} path=\${rest#*:}
      case $path in *:ro) volume "$tag" "\${path%:ro}" ro ;; *) volume "$tag" "$path" rw ;; esac ;;
  esac
done
nonce=
[ ! -f /doppel/setup ] || . /doppel/setup
hostname "$name"

ip link set lo up
if [ -d /sys/class/net/eth0 ]; then
  ip link set eth0 up
  udhcpc -i eth0 -b -s /etc/udhcpc.script >/dev/null 2>&1
fi

# A shell for the host's agent, and another when that has ended.
for port in /sys/class/virtio-ports/*; do
  channel=
  read -r channel 2>/dev/null <"$port/name"
  [ "$channel" = doppel.agent ] || continue
  agent=/dev/\${port##*/}
  while :; do
    setsid sh <>"$agent" >&0 2>&0
    # A channel is opened by one at a time: what the agent has left behind lets go of it.
    for left in /proc/[0-9]*; do
      [ "$(readlink "$left/fd/3")" != "$agent" ] || kill -9 "\${left##*/}"
    done
    sleep 1
  done &
done

finish() {
  # Input that nobody reads any more must not keep a file system busy.
  [ -z "$feeder" ] || kill $feeder 2>/dev/null
  sync
  umount -a -r 2>/dev/null
  [ -z "$nonce" ] || echo "doppel-$nonce exit $1" >/dev/ttyS0
  poweroff -f
}

# What poweroff, halt and reboot ask of the first process (busybox init's signals). The shell hears them in a wait.
trap 'finish 0' USR1 USR2
trap 'sync; reboot -f' TERM
await() {
  wait $1
  status=$?
  while kill -0 $1 2>/dev/null; do
    wait $1
    status=$?
  done
}

if [ ! -f /doppel/command ]; then
  read -r terminal rest </sys/class/tty/console/active
  for terminal in $terminal $rest; do :; done
  cd /root
  setsid -c sh -l <"/dev/$terminal" >"/dev/$terminal" 2>&1 &
  await $!
  finish $status
fi

# From here on nothing but control lines (and a dying kernel's last words) goes to ttyS0.
echo 1 >/proc/sys/kernel/printk
# Held open, since a terminal forgets its settings when it is last closed.
exec 7>/dev/ttyS0 8<>/dev/hvc0
stty -F /dev/ttyS0 -opost
stty -F /dev/hvc0 raw -echo
errors=/dev/hvc0
if [ -c /dev/hvc1 ]; then
  exec 9>/dev/hvc1
  stty -F /dev/hvc1 raw -echo
  errors=/dev/hvc1
fi
input=/dev/null
feeder=
if [ -f /doppel/input ]; then
  input=/run/input
  mkfifo $input
  {
    echo "doppel-$nonce ready" >&7
    while read -r length && [ "$length" -gt 0 ]; do
      dd bs="$length" count=1 iflag=fullblock 2>/dev/null || break
      echo "doppel-$nonce input" >&7
    done
  } </dev/hvc0 >$input 2>/dev/null &
  feeder=$!
fi
cd /root
setsid sh /doppel/command <$input >/dev/hvc0 2>$errors 7>&- 8>&- 9>&- &
await $!
finish $status
`

/** What udhcpc calls with a lease: sets address, route and name servers. */
export const DHCP_SCRIPT = `#!/bin/sh
case $1 in
  deconfig) ip addr flush dev "$interface" ;;
  bound | renew)
    ip addr flush dev "$interface"
    ip addr add "$ip/\${mask:-24}" dev "$interface"
    for gateway in $router; do ip route replace default via "$gateway" dev "$interface"; break; done
    : >/etc/resolv.conf
    for server in $dns; do echo "nameserver $server" >>/etc/resolv.conf; done ;;
esac
`

/** Read by the login shell of an interactive machine. */
export const PROFILE = `export PS1='\\u@\\h:\\w\\$ '
`
