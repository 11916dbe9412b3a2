/** What begins a frame, and a line of the kernel's log, on a guest's console: bytes that no text holds. */
export const FRAME_MARK = '\x1e'
export const KERNEL_MARK = '\x1d'

export interface GuestInitOptions {
  /** Paths of the kernel modules to load, in this order. */
  readonly modules: readonly string[]
  /** Shell commands to run before anything is asked; unless given none. */
  readonly prepare?: string
}

const octal = (mark: string): string => `\\0${mark.charCodeAt(0).toString(8)}`

/**
 * A guest's first process up to the point where it can do work: devices, modules, a console that changes no byte, and what
 * Linux runs when the toolstack asks it to shut down.
 */
const startGuest = ({ modules, prepare = ':' }: GuestInitOptions): string => `#!/bin/busybox sh
export PATH=/usr/bin:/usr/sbin:/bin:/sbin HOME=/root TERM=dumb
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /tmp
for module in ${modules.join(' ')}; do insmod $module || echo "module $module cannot be loaded"; done
${prepare}
mkdir -p /sbin
printf '#!/bin/sh\\nexec poweroff -f\\n' >/sbin/poweroff
chmod +x /sbin/poweroff
`

/**
 * The first process of a guest that does as dom0 asks: each line of the console is an id and a command in base64; its
 * answer is a frame with the id, the exit status and the output in base64. The kernel's log goes over the same line, each
 * of its lines written at once and marked, so that it can be told from a frame that it interrupts.
 */
export const agentInit = (options: GuestInitOptions): string => `${startGuest(options)}
stty raw -echo
dmesg -n 1
cat /dev/kmsg | while IFS= read -r line; do printf '${octal(KERNEL_MARK)}%s\\n' "$line"; done &
printf '${octal(FRAME_MARK)}ready\\n'
while read -r id command; do
  printf %s "$command" | base64 -d >/tmp/.command
  sh /tmp/.command >/tmp/.output 2>&1 </dev/null
  status=$?
  printf '${octal(FRAME_MARK)}%s %s ' "$id" "$status"
  base64 -w 0 /tmp/.output
  echo
done
poweroff -f
`

/** The prompt of the shell that `loginInit` leads to. */
export const PROMPT = 'guest# '

/** The first process of a guest that root logs in to on its console, without a password. */
export const loginInit = (options: GuestInitOptions): string => `${startGuest(options)}
mkdir -p /etc
echo 'root::0:0:root:/root:/bin/sh' >/etc/passwd
echo 'root:x:0:' >/etc/group
echo hvc0 >/etc/securetty
echo "export PS1='${PROMPT}'" >/etc/profile
hostname guest
while true; do getty -L 0 hvc0 dumb; done
`
