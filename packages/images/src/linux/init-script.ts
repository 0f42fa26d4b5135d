/**
 * What the first process of doppel's images runs: busybox shell scripts. `INIT_SCRIPT` is the initramfs's `/init`; it
 * loads drivers, and enters the disk that the kernel's command line names as `doppel.root=SERIAL`, if it names one.
 * `SERVE_SCRIPT` then does what the host asks for, which comes in `/doppel` (see guest-archive.ts): in the initramfs, or
 * in the root file system of that disk, whose own programs it uses where they are the user's to choose. Three channels lead out of a machine that runs one command:
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
/bin/busybox mount -t tmpfs -o mode=755 tmpfs /run
/bin/busybox --install -s
export PATH=/usr/sbin:/usr/bin:/sbin:/bin

# Drivers for the hardware that is here. virtio_mmio makes more devices appear, hence the second look.
for bus in platform virtio; do
  aliases=$(cat /sys/bus/$bus/devices/*/modalias 2>/dev/null | grep virtio)
  [ -z "$aliases" ] || modprobe -abq $aliases
done

serial=
for word in $(cat /proc/cmdline); do
  case $word in doppel.root=*) serial=\${word#*=} ;; esac
done
if [ -z "$serial" ]; then
  ln -s /bin/busybox /doppel/busybox
  ln -s /doppel /run/doppel
  exec /bin/busybox sh /doppel/serve
fi

for disk in /sys/block/*; do
  found=
  read -r found 2>/dev/null <"$disk/serial"
  [ "$found" != "$serial" ] || break
done
root=/mnt
# The disk is a file system, or has partitions of which one is the root's.
if [ "$found" = "$serial" ]; then
  for part in "/dev/\${disk##*/}" "/dev/\${disk##*/}"?*; do
    mount -t ext4 "$part" $root 2>/dev/null || continue
    [ -e $root/bin/sh ] || [ -L $root/bin/sh ] || [ -L $root/bin ] && break
    umount $root
  done
fi
if ! grep -q " $root " /proc/mounts; then
  echo "doppel: the root disk $serial has no ext4 file system with a /bin/sh" >/dev/ttyS0
  poweroff -f
fi
mkdir -p /run/doppel $root/proc $root/sys $root/dev $root/run $root/tmp $root/root $root/usr/lib/modules
cp -a /doppel/. /bin/busybox /run/doppel
cp -a /lib/modules /run/doppel
for folder in proc sys dev run; do mount --move /$folder $root/$folder; done
mount --bind $root/run/doppel/modules $root/usr/lib/modules
# Where the kernel looks for modules, a Debian without kmod has no program that loads them.
echo /run/doppel/modprobe >$root/proc/sys/kernel/modprobe
ln -s busybox $root/run/doppel/modprobe
exec switch_root $root /run/doppel/busybox sh /run/doppel/serve
`

/** What goes on where `INIT_SCRIPT` ends. */
export const SERVE_SCRIPT = `
# Its own place: /run may be gone when it is needed last.
box=$(/run/doppel/busybox readlink -f /run/doppel/busybox)
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root USER=root LOGNAME=root SHELL=/bin/sh
[ ! -x /bin/bash ] || export SHELL=/bin/bash LANG=C.UTF-8
$box mkdir -p /dev/pts /dev/shm
$box mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
$box mount -t tmpfs -o mode=1777 tmpfs /dev/shm
$box chmod 1777 /tmp
$box ln -sfn /proc/self/fd /dev/fd
$box ln -sfn /proc/self/fd/0 /dev/stdin
$box ln -sfn /proc/self/fd/1 /dev/stdout
$box ln -sfn /proc/self/fd/2 /dev/stderr

name=doppel folder=/root user=
volume() {
  $box mkdir -p "$2" && $box mount -t virtiofs -o "$3" "$1" "$2" ||
    echo "doppel: cannot mount volume $1 on $2" >/dev/console
}
for word in $($box cat /proc/cmdline); do
  case $word in
    doppel.hostname=*) name=\${word#*=} ;;
    doppel.volume=*)
      rest=\${word#*=} tag=\${rest%%:*} path=\${rest#*:}
      case $path in *:ro) volume "$tag" "\${path%:ro}" ro ;; *) volume "$tag" "$path" rw ;; esac ;;
  esac
done
nonce=
[ ! -f /run/doppel/setup ] || . /run/doppel/setup
$box hostname "$name"

$box ip link set lo up
if [ -d /sys/class/net/eth0 ]; then
  $box ip link set eth0 up
  $box udhcpc -i eth0 -b -s /run/doppel/udhcpc.script >/dev/null 2>&1
fi

# A shell for the host's agent, and another when that has ended.
for port in /sys/class/virtio-ports/*; do
  channel=
  read -r channel 2>/dev/null <"$port/name"
  [ "$channel" = doppel.agent ] || continue
  agent=/dev/\${port##*/}
  while :; do
    $box setsid /bin/sh <>"$agent" >&0 2>&0
    # A channel is opened by one at a time: what the agent has left behind lets go of it.
    for left in /proc/[0-9]*; do
      [ "$($box readlink "$left/fd/3")" != "$agent" ] || kill -9 "\${left##*/}"
    done
    $box sleep 1
  done &
done

finish() {
  # Input that nobody reads any more must not keep a file system busy.
  [ -z "$feeder" ] || kill $feeder 2>/dev/null
  $box sync
  $box umount -a -r 2>/dev/null
  [ -z "$nonce" ] || echo "doppel-$nonce exit $1" >/dev/ttyS0
  $box poweroff -f
}

if [ ! -f /run/doppel/command ]; then
  read -r terminal rest </sys/class/tty/console/active
  for terminal in $terminal $rest; do :; done
  cd "$folder"
  # Not in the background, where a shell's children ignore the keyboard's interrupt.
  $box setsid -c "$SHELL" -l <"/dev/$terminal" >"/dev/$terminal" 2>&1
  finish $?
fi

# From here on nothing but control lines (and a dying kernel's last words) goes to ttyS0.
echo 1 >/proc/sys/kernel/printk
# Held open, since a terminal forgets its settings when it is last closed.
exec 7>/dev/ttyS0 8<>/dev/hvc0
$box stty -F /dev/ttyS0 -opost
$box stty -F /dev/hvc0 raw -echo
errors=/dev/hvc0
if [ -c /dev/hvc1 ]; then
  exec 9>/dev/hvc1
  $box stty -F /dev/hvc1 raw -echo
  errors=/dev/hvc1
fi
input=/dev/null
feeder=
if [ -f /run/doppel/input ]; then
  input=/run/doppel.input
  $box mkfifo $input
  {
    echo "doppel-$nonce ready" >&7
    while read -r length && [ "$length" -gt 0 ]; do
      $box dd bs="$length" count=1 iflag=fullblock 2>/dev/null || break
      echo "doppel-$nonce input" >&7
    done
  } </dev/hvc0 >$input 2>/dev/null &
  feeder=$!
fi
cd "$folder"
case $user in
'') set -- /bin/sh ;;
[0-9]* | *:*)
  # Numbers, or a group: su knows neither.
  g=0
  case $user in *:*) g=\${user#*:} ;; esac
  if setpriv --reuid=0 true 2>/dev/null; then
    set -- setpriv --reuid="\${user%%:*}" --regid="$g" --clear-groups /bin/sh
  else
    set -- chroot --skip-chdir --userspec="\${user%%:*}:$g" --groups= / /bin/sh
  fi ;;
*) set -- su -s /bin/sh "$user" ;;
esac
$box setsid "$@" /run/doppel/command <$input >/dev/hvc0 2>$errors 7>&- 8>&- 9>&-
finish $?
`

/** What udhcpc calls with a lease: sets address, route and name servers. */
export const DHCP_SCRIPT = `#!/run/doppel/busybox sh
ip() { /run/doppel/busybox ip "$@"; }
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
