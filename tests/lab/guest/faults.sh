# SPDX-License-Identifier: Apache-2.0
# Scenario faults: failures of the daemon on a real kernel: a second instance, no privileges, SIGKILL, rings that are too
# small. Each has its own exit code and one clear message; nothing stays attached; every loss is counted.

# programs: BPF programs in the kernel that belong to the probes.
# shellcheck disable=SC2010 # searches the links' targets
programs() { ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c 'bpf-prog\|bpf_link'; }
# attached: number of functions with fentry/fexit or kprobe, as listed by the kernel.
attached() { grep -c -E '^(alloc|free)_iova' "$TRACING/enabled_functions" 2>/dev/null; }

expect_eq "functions attached before the start" "$(attached)" 0
start_rcached || return 0
expect_ge "functions attached while it runs" "$(attached)" 3

/bin/rcached run --config "$LAB_CONFIG" >/tmp/second.log 2>&1
expect_eq "exit code of a second instance" $? 11
expect_eq "lines of a second instance" "$(wc -l </tmp/second.log)" 1
info "second instance: $(cat /tmp/second.log)"

kill -KILL "$LAB_RCACHED"
wait "$LAB_RCACHED" 2>/dev/null
LAB_RCACHED=''
wait_until '[ "$(attached)" = 0 ]'
expect_eq "functions attached after kill -9" "$(attached)" 0
expect_eq "kprobe events left" "$(wc -l <"$TRACING/kprobe_events")" 0

# It starts again at once, and exits successfully on Ctrl-C (a shutdown that takes too long has another exit code).
start_rcached || return 0
begin=$(cut -d' ' -f1 /proc/uptime)
kill -INT "$LAB_RCACHED"
wait "$LAB_RCACHED"
expect_eq "exit code after SIGINT" $? 0
info "$(echo "$begin $(cut -d' ' -f1 /proc/uptime)" | awk '{ print $2 - $1 }') s from SIGINT to exit"
LAB_RCACHED=''
expect_eq "functions attached after a clean shutdown" "$(attached)" 0

# Without privileges.
adduser -D -H nobody2 2>/dev/null || { echo 'nobody2:x:65500:65500::/:/bin/sh' >>/etc/passwd; }
su nobody2 -s /bin/sh -c "/bin/rcached run --config $LAB_CONFIG" >/tmp/user.log 2>&1
expect_eq "exit code without root" $? 4
expect_eq "lines without root" "$(wc -l </tmp/user.log)" 1
info "without root: $(cat /tmp/user.log)"

# Small rings and slow draining under load: losses are counted exactly, and reported in the confidence.
printf 'http: {listen: "0.0.0.0:9731"}\nkernel: {ring_size: 64KiB}\npipeline: {drain_interval: 1s}\nmetrics: {per_cpu: true}\naudit: {interval: 3600s}\n' >/tmp/small.yaml
LAB_CONFIG=/tmp/small.yaml
start_rcached || return 0
direct_read "$LAB_NVME" 4k 4000
group=$(domain_of "$LAB_NVME")
rest "metric rcached_events_received_total" 2.5
scrape /tmp/lossy
expect_ge "events lost with rings of 64 KiB" "$(metric rcached_events_lost_total 'reason="ring_full"' /tmp/lossy)" 1000
expect_eq "events sent = received + lost" "$(metric rcached_events_sent_total '' /tmp/lossy)" \
  $(($(metric rcached_events_received_total '' /tmp/lossy) + $(metric rcached_events_lost_total 'reason="ring_full"' /tmp/lossy)))
# After it has been read again, its confidence is restored.
resynced="domain=\"$group\",confidence=\"resynced\""
wait_until '[ "$(metric rcached_domain_confidence "$resynced")" = 1 ]'
expect_eq "confidence of the domain is resynced" "$(metric rcached_domain_confidence "$resynced")" 1
expect_eq "unaccounted ranges under loss" "$(metric iova_unaccounted_ranges '' /tmp/lossy)" 0

# Without type information, and under lockdown (which cannot be lifted again: last).
stop_rcached
mount -t tmpfs none /sys/kernel/btf
/bin/rcached run --config "$LAB_CONFIG" >/tmp/nobtf.log 2>&1
expect_eq "exit code without BTF" $? 5
expect_eq "lines without BTF" "$(wc -l </tmp/nobtf.log)" 1
info "without BTF: $(cat /tmp/nobtf.log)"
umount /sys/kernel/btf
mount -t securityfs securityfs /sys/kernel/security
echo confidentiality >/sys/kernel/security/lockdown
/bin/rcached run --config "$LAB_CONFIG" >/tmp/lockdown.log 2>&1
expect_eq "exit code under lockdown" $? 6
expect_eq "lines under lockdown" "$(wc -l </tmp/lockdown.log)" 1
info "under lockdown: $(cat /tmp/lockdown.log)"
