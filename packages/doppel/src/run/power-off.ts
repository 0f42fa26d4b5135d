/** Turns a Linux guest off from a shell in it: an init that knows how does it, otherwise what it would do. */
export const POWER_OFF: string =
  'if [ -d /run/systemd/system ]; then systemctl poweroff; else ' +
  'sync; umount -a -r 2>/dev/null; poweroff -f || /run/doppel/busybox poweroff -f; fi'
