# SPDX-License-Identifier: Apache-2.0
# Helpers for scenarios: verdicts, waiting, metrics of rcached, devices and their domains, the lab's modules, independent
# call counts.
#
# A scenario is a file guest/NAME.sh, run by init in the guest with these helpers and the variables of /etc/lab.env:
# LAB_KERNEL (series), LAB_IOMMU, LAB_MODE, LAB_CPUS, LAB_SCENARIO; and LAB_NVME, LAB_NVME_SLOW, LAB_DISK, LAB_NIC
# (device names found at boot). It passes with at least one `pass` and no `fail`.

LAB_URL=http://127.0.0.1:9731
LAB_CONFIG=/etc/rcached/rcached.yaml
LAB_LOG=/tmp/rcached.log
LAB_ECHO=10.0.2.100 # a fixed address of the virtual network; port 7 is an echo service
TRACING=/sys/kernel/tracing

# --- verdicts: one line each, parsed by lab.py

pass() { echo "LAB: PASS $*"; }
fail() {
  echo "LAB: FAIL $*"
  : >/tmp/failed
}
info() { echo "LAB: INFO $*"; }

lab_done() {
  trap - EXIT
  stop_rcached
  dmesg | grep -E 'WARNING: |BUG: |Oops: ' | while read -r line; do fail "kernel log: $line"; done
  [ -e /tmp/failed ] && [ -e "$LAB_LOG" ] && sed 's/^/rcached: /' "$LAB_LOG" # into the saved serial log
  [ -e /tmp/failed ] && [ -e "$LAB_LOG" ] && tail -n 20 "$LAB_LOG" | cut -c 1-300 | sed 's/^/LAB: INFO rcached: /'
  echo "LAB: DONE"
  sleep 1
  poweroff -f
}

# expect_eq NAME GOT WANT, expect_ge NAME GOT LEAST, expect_le NAME GOT MOST: numbers or, for eq, words.
expect_eq() {
  if [ "$2" = "$3" ]; then pass "$1: $2"; else fail "$1: got '$2', want '$3'"; fi
}
expect_ge() {
  if awk -v a="$2" -v b="$3" 'BEGIN { exit !(a != "" && a + 0 >= b + 0) }'; then pass "$1: $2 >= $3"; else
    fail "$1: got '$2', want at least $3"
  fi
}
expect_le() {
  if awk -v a="$2" -v b="$3" 'BEGIN { exit !(a != "" && a + 0 <= b + 0) }'; then pass "$1: $2 <= $3"; else
    fail "$1: got '$2', want at most $3"
  fi
}

# A limit that only a hang reaches: a loaded machine is many times slower than an idle one.
LAB_PATIENCE=200 # seconds

# wait_until CMD [STEP]: polls a shell command every STEP seconds (0.1); fails after LAB_PATIENCE, or when a daemon that
# start_rcached has started is gone.
wait_until() {
  _deadline=$(($(cut -d. -f1 /proc/uptime) + LAB_PATIENCE))
  until eval "$1" >/dev/null 2>&1; do
    [ "$(cut -d. -f1 /proc/uptime)" -lt "$_deadline" ] || return 1
    if [ -n "$LAB_RCACHED" ] && [ ! -d "/proc/$LAB_RCACHED" ]; then
      eval "$1" >/dev/null 2>&1 # CMD may wait for just that
      return
    fi
    sleep "${2:-0.1}"
  done
}

# --- devices

# _driver_of_net IFACE: the driver of a network interface (interface names differ between kernels).
_driver_of_net() { basename "$(readlink -f "/sys/class/net/$1/device/driver")"; }

_find_devices() {
  LAB_NVME='' LAB_NVME_SLOW='' LAB_DISK='' LAB_NIC=''
  for _path in /sys/class/nvme/nvme*; do
    _disk="$(basename "$_path")n1"
    [ -e "/sys/block/$_disk" ] || continue
    case "$(tr -d ' ' <"$_path/serial")" in
      rcfast) LAB_NVME=$_disk ;;
      rcslow) LAB_NVME_SLOW=$_disk ;;
    esac
  done
  [ -e /sys/block/vda ] && LAB_DISK=vda
  for _path in /sys/class/net/*; do
    _name=$(basename "$_path")
    [ "$(_driver_of_net "$_name")" = e1000e ] && LAB_NIC=$_name
  done
  [ -n "$LAB_NVME" ] && [ -n "$LAB_NVME_SLOW" ] && [ -n "$LAB_DISK" ] && [ -n "$LAB_NIC" ]
}

# lab_devices: waits for all devices, ensures one DMA mapping per request, brings the network up.
lab_devices() {
  wait_until _find_devices || return 1
  _find_devices
  for _disk in $LAB_NVME $LAB_NVME_SLOW $LAB_DISK; do
    echo none >"/sys/block/$_disk/queue/scheduler"
    echo 2 >"/sys/block/$_disk/queue/nomerges"
    wait_until "[ -b /dev/$_disk ]" || return 1
  done
  ip link set lo up
  ip address add 10.0.2.15/24 dev "$LAB_NIC"
  ip link set "$LAB_NIC" up
  wait_until "grep -q 1 /sys/class/net/$LAB_NIC/carrier"
}

# domain_of DEVICE: the IOMMU group number of a block device (nvme0n1, vda), a network interface or a driver name.
domain_of() {
  _dir=''
  for _link in "/sys/class/block/$1/device" "/sys/class/net/$1/device" "/sys/bus/pci/drivers/$1"/0000:* \
    "/sys/bus/virtio/drivers/$1"/virtio*; do
    if [ -e "$_link" ]; then
      _dir=$(readlink -f "$_link")
      break
    fi
  done
  while [ -n "$_dir" ] && [ "$_dir" != /sys ]; do
    if [ -e "$_dir/iommu_group" ]; then
      basename "$(readlink -f "$_dir/iommu_group")"
      return 0
    fi
    _dir=$(dirname "$_dir")
  done
  return 1
}

# domain_type GROUP: DMA-FQ (lazy), DMA (strict; on 5.10 both), identity ...
domain_type() { cat "/sys/kernel/iommu_groups/$1/type"; }

# echo_bytes KIB: sends KIB over the NIC to an echo server outside the guest and reads it back.
echo_bytes() { dd if=/dev/zero bs=1k count="$1" 2>/dev/null | nc "$LAB_ECHO" 7 | wc -c; }

# direct_read DEVICE BLOCKSIZE COUNT: sequential O_DIRECT reads.
direct_read() { dd if="/dev/$1" of=/dev/null bs="$2" count="$3" iflag=direct 2>/tmp/dd.log; }

# --- rcached

# log_tail: the end of rcached's log on one line.
log_tail() { tail -n 3 "$LAB_LOG" | sed 's/ *$//' | paste -s -d '|' | sed 's/|/ | /g'; }

# start_rcached [ARGUMENT...]: starts the daemon and waits until it is ready; on failure, prints the end of its log.
start_rcached() {
  /bin/rcached run --config "$LAB_CONFIG" "$@" >"$LAB_LOG" 2>&1 &
  LAB_RCACHED=$!
  if wait_until "wget -q -O /dev/null $LAB_URL/-/ready || [ ! -d /proc/$LAB_RCACHED ]" &&
    [ -d "/proc/$LAB_RCACHED" ]; then
    return 0
  fi
  fail "rcached is not ready: $(log_tail)"
  [ -d "/proc/$LAB_RCACHED" ] || LAB_RCACHED=''
  return 1
}

# stop_rcached: stops it as a service manager would.
stop_rcached() {
  [ -n "$LAB_RCACHED" ] || return 0
  if [ ! -d "/proc/$LAB_RCACHED" ]; then
    wait "$LAB_RCACHED"
    fail "rcached has exited by itself with code $?: $(log_tail)"
    LAB_RCACHED=''
    return 0
  fi
  kill -TERM "$LAB_RCACHED"
  if ! wait_until "[ ! -d /proc/$LAB_RCACHED ] || grep -q 'State:.Z' /proc/$LAB_RCACHED/status"; then
    fail "rcached did not exit within $LAB_PATIENCE s of SIGTERM"
    kill -KILL "$LAB_RCACHED"
  fi
  wait "$LAB_RCACHED"
  _status=$?
  [ $_status = 0 ] || fail "exit code $_status after SIGTERM: $(log_tail)"
  LAB_RCACHED=''
}

# scrape FILE: saves one scrape, so that several sums use the same snapshot.
scrape() { wget -q -O "$1" "$LAB_URL/metrics"; }

# metric NAME [LABEL-REGEX [FILE]]: the sum of the matching series, from FILE or a fresh scrape; empty if none match.
metric() {
  if [ -n "$3" ]; then cat "$3"; else wget -q -O - "$LAB_URL/metrics"; fi | awk -v name="$1" -v pattern="$2" '
    index($0, name) == 1 && substr($0, length(name) + 1, 1) ~ /[{ ]/ {
      labels = substr($0, length(name) + 1); sub(/[ ][^ ]*$/, "", labels)
      if (pattern == "" || labels ~ pattern) { sum += $NF; seen = 1 }
    }
    END { if (seen) printf "%.15g\n", sum }'
}

# delta NAME [LABEL-REGEX]: growth of a metric from the scrape /tmp/before to the scrape /tmp/after.
delta() {
  _before=$(metric "$1" "$2" /tmp/before) # a series that does not exist yet is 0
  echo "${_before:-0} $(metric "$1" "$2" /tmp/after)" | awk '{ printf "%.15g", $2 - $1 }'
}

# activity: counters that change during any activity in the kernel (calls counted by kprobe_count_begin; flush queues
# drain by timer) or in rcached.
activity() { echo "$(awk '{ print $1, $2 + $3 }' "$TRACING/kprobe_profile") $(metric rcached_events_total)"; }

# rest [COMMAND [SECONDS]]: waits until COMMAND (activity) prints the same twice, SECONDS (1.2) apart.
rest() {
  _watched=${1:-activity} _pause=${2:-1.2} _last=''
  wait_until _still || fail "the guest does not become idle"
}
_still() {
  _now=$($_watched)
  [ "$_now" = "$_last" ] && return 0
  _last=$_now
  sleep "$_pause"
  return 1
}

# --- the lab's own modules (module/); the scenario has a line "# lab: modules"

# load_modules: the exerciser with its domains x0 and x1, and the oracle.
load_modules() {
  for _module in iova_exerciser iova_oracle; do
    insmod "/modules/$_module.ko" 2>/tmp/insmod || { fail "insmod $_module: $(cat /tmp/insmod)"; return 1; }
  done
}

# exerciser COMMAND...: see module/exerciser.c; fails if the exerciser rejects it.
exerciser() { echo "$*" >/proc/iova_exerciser || { fail "the exerciser rejects: $*"; return 1; }; }

# exerciser_run NAME=VALUE...: runs it and waits for the end.
exerciser_run() { exerciser run "$@" && exerciser wait; }

# exerciser_count allocs|failures|frees|live DOMAIN-REGEX [ORDER]: a sum of the exerciser's own counters.
exerciser_count() {
  awk -v field="$1" -v domain="^($2)\$" -v order="$3" '
    BEGIN { column["allocs"] = 4; column["failures"] = 5; column["frees"] = 6; column["live"] = 7 }
    $1 == "order" && $2 ~ domain && (order == "" || $3 == order) { sum += $(column[field]) }
    END { printf "%.15g\n", sum }' /proc/iova_exerciser
}

# exerciser_value NAME [DOMAIN]: a value of the line of a domain, or of the last run.
exerciser_value() {
  sed -n "s/^${2:+domain }${2:-run} .*\b$1=\([^ ]*\).*/\1/p" /proc/iova_exerciser
}

# oracle: the actual state of the allocator; see module/oracle.c. Only valid at rest: `rest oracle`.
oracle() { sort /proc/iova_oracle; }

# --- independent counts, by kprobe events of tracefs

# _probe NAME: installs a kprobe event; falls back to the symbol with a compiler suffix (.part.0, .isra.0).
_probe() {
  echo "p:lab/$1 $1" >>"$TRACING/kprobe_events" 2>/dev/null && return 0
  _symbol=$(awk -v f="$1." 'index($3, f) == 1 && $3 !~ /\.cold/ { print $3; exit }' /proc/kallsyms)
  [ -n "$_symbol" ] && echo "p:lab/$1 $_symbol" >>"$TRACING/kprobe_events"
}

# Hits are counted without tracing, and command names need not be recorded at every task switch.
_tracing_quiet() { echo 0 | tee "$TRACING/tracing_on" "$TRACING/options/record-cmd" >/dev/null; }

# kprobe_count_begin FUNC...: starts counting calls from zero.
kprobe_count_begin() {
  kprobe_count_end
  _tracing_quiet
  for _func in "$@"; do
    _probe "$_func" || { fail "no kprobe on $_func: $(dmesg | tail -n 1)"; return 1; }
  done
  echo 1 >"$TRACING/events/lab/enable"
}

# kprobe_count FUNC: calls since begin: hits plus those the kernel missed because a probe was already running.
kprobe_count() { awk -v f="$1" '$1 == f { print $2 + $3 }' "$TRACING/kprobe_profile"; }

# kprobe_hist_begin: counts alloc_iova_fast and free_iova_fast by domain and size (amd64; 5.10 lacks hist triggers).
kprobe_hist_begin() {
  kprobe_count_end
  _tracing_quiet
  echo 'p:lab/alloc_iova_fast alloc_iova_fast iovad=%di:x64 size=%si:u64' >>"$TRACING/kprobe_events"
  echo 'p:lab/free_iova_fast free_iova_fast iovad=%di:x64 size=%dx:u64' >>"$TRACING/kprobe_events"
  for _func in alloc_iova_fast free_iova_fast; do
    echo 'hist:keys=iovad,size' >"$TRACING/events/lab/$_func/trigger" || { fail "no hist trigger on $_func"; return 1; }
  done
}

# kprobe_hist FUNC [SIZE]: calls in the domain with most of them, of one size (in pages) or of all. Calls that the
# kernel missed are not included: compare kprobe_missed FUNC with 0.
kprobe_hist() {
  sed -n 's/^{ iovad: *\([0-9]*\), size: *\([0-9]*\) } hitcount: *\([0-9]*\).*/\1 \2 \3/p' \
    "$TRACING/events/lab/$1/hist" | awk -v size="$2" '
    { all["d" $1] += $3; if (size == "" || $2 == size) some["d" $1] += $3 }
    END { for (d in all) if (best == "" || all[d] > all[best]) best = d; print some[best] + 0 }'
}

# kprobe_missed FUNC: calls the kernel skipped since begin.
kprobe_missed() { awk -v f="$1" '$1 == f { print $3 }' "$TRACING/kprobe_profile"; }

# kprobe_count_end: removes all probes of this file.
kprobe_count_end() {
  if [ -d "$TRACING/events/lab" ]; then
    echo 0 >"$TRACING/events/lab/enable"
    for _trigger in "$TRACING"/events/lab/*/trigger; do
      grep -q '^hist' "$_trigger" && echo "!$(sed -n 's/^\(hist:keys=[a-z,]*\).*/\1/p' "$_trigger")" >"$_trigger"
    done
    sed -n 's|^[a-z0-9]*:lab/\([^ ]*\).*|-:lab/\1|p' "$TRACING/kprobe_events" >/tmp/probes
    while read -r _line; do echo "$_line" >>"$TRACING/kprobe_events"; done </tmp/probes
  fi
}
