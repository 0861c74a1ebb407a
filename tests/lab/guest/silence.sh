# SPDX-License-Identifier: Apache-2.0
# Scenario silence: the kernel stops running attached probes (kernel.ftrace_enabled, kprobes in debugfs), under load, before
# and after rcached's start. rcached names the reason, no domain is exact meanwhile, and all are again afterwards.

mount -t debugfs debugfs /sys/kernel/debug
KPROBES=/sys/kernel/debug/kprobes/enabled
printf 'http: {listen: "0.0.0.0:9731"}\naudit: {interval: 5s, budget: 300ms}\n' >"$LAB_CONFIG"

# seconds_until CMD: how long until the command succeeds.
seconds_until() {
  _begin=$(cut -d' ' -f1 /proc/uptime)
  wait_until "$1" || fail "never: $1" >&2 # not into the caller's text
  echo "$_begin $(cut -d' ' -f1 /proc/uptime)" | awk '{ printf "%.1f", $2 - $1 }'
}
not_ready() { wget -q -O - "$LAB_URL/-/ready" 2>&1 | grep -q '503'; }
silent() { [ "$(metric rcached_probes_silent "reason=\"$1\"")" = "$2" ]; }
# exact: domains whose figures are exact, now or since they were read again.
exact() { metric rcached_domain_confidence 'confidence="(exact|resynced)"'; }
domains() { metric rcached_domain_confidence; }
all_exact() { wget -q -O /dev/null "$LAB_URL/-/ready" && [ "$(exact)" = "$(domains)" ]; }

# switched SWITCH REASON: switches it off and on under load, while rcached runs.
switched() {
  echo 0 >"$1"
  info "$2 named after $(seconds_until "silent $2 1") s"
  expect_eq "exact domains while $2" "$(exact)" 0
  expect_eq "ready while $2" "$(not_ready && echo no)" no
  sleep 3 # some audits later
  expect_eq "exact domains while $2, after audits" "$(exact)" 0
  echo 1 >"$1"
  info "exact again $(seconds_until 'all_exact') s after $2"
  expect_eq "$2 afterwards" "$(metric rcached_probes_silent "reason=\"$2\"")" 0
}

# From 7.3 on, the kernel refuses to switch ftrace off.
ftrace_off() {
  sysctl -q -w kernel.ftrace_enabled=0 2>/tmp/refused
  [ "$(cat /proc/sys/kernel/ftrace_enabled)" = 0 ]
}

# under_ftrace: kernel.ftrace_enabled, before and after the start.
under_ftrace() {
  /bin/rcached check --config "$LAB_CONFIG" >/tmp/check.log 2>&1
  expect_eq "exit code of check while ftrace is disabled" $? 9
  expect_eq "lines of check that name the switch" \
    "$(grep -c 'FAIL switches: the kernel runs no probes: kernel.ftrace_enabled is 0' /tmp/check.log)" 1
  /bin/rcached run --config "$LAB_CONFIG" >"$LAB_LOG" 2>&1 &
  # shellcheck disable=SC2034 # stop_rcached uses it
  LAB_RCACHED=$!
  wait_until '[ "$(domains)" -ge 1 ]'
  expect_eq "named at the start" "$(metric rcached_probes_silent 'reason="ftrace-disabled"')" 1
  expect_eq "exact domains at the start" "$(exact)" 0
  sysctl -q -w kernel.ftrace_enabled=1
  info "exact $(seconds_until 'all_exact') s after ftrace is enabled"
  expect_ge "lines of the log that name the switch" "$(grep -c 'kernel.ftrace_enabled is 0' "$LAB_LOG")" 1
  switched /proc/sys/kernel/ftrace_enabled ftrace-disabled
  expect_ge "notes" "$(wget -q -O - "$LAB_URL/api/v1/notes" | grep -o '"probes-silent"\|"probes-run"' | wc -l)" 4
  stop_rcached
}

while :; do direct_read "$LAB_NVME" 4k 1000; done &
load=$!
case $LAB_KERNEL in
  7.3)
    ftrace_off && fail "7.3 switches ftrace off: test it"
    info "ftrace: $(cat /tmp/refused)"
    ;;
  *) if ftrace_off; then under_ftrace; else fail "ftrace: $(cat /tmp/refused)"; fi ;;
esac

# With kprobes.
printf 'kernel: {probes: kprobe}\n' >>"$LAB_CONFIG"
start_rcached || return 0
wait_until all_exact
switched "$KPROBES" kprobes-disabled
kill "$load"
