# SPDX-License-Identifier: Apache-2.0
# Scenario capabilities: the unit's capabilities are exactly those that rcached needs. As a user without other
# privileges, it traces with all of them, then drops them; without one of them it fails with a clear message. Needs
# --file /sbin/setpriv-full=PATH (util-linux; busybox's cannot change the user).

# as_user CAPABILITIES COMMAND...: execs the command as uid 65534 with only these capabilities; call it in a subshell.
as_user() {
  _caps=$1
  shift
  exec /sbin/setpriv-full --reuid 65534 --regid 65534 --clear-groups --inh-caps "-all,$_caps" --ambient-caps "-all,$_caps" \
    --bounding-set "-all,$_caps" --no-new-privs "$@"
}
UNIT_CAPABILITIES=+bpf,+perfmon,+syslog

mkdir -p /tmp/run && chown 65534 /tmp/run
printf 'http: {listen: "0.0.0.0:9731"}\nrun_directory: /tmp/run\n' >"$LAB_CONFIG"
chmod 644 "$LAB_CONFIG"

as_user $UNIT_CAPABILITIES /bin/rcached run --config "$LAB_CONFIG" >"$LAB_LOG" 2>&1 &
LAB_RCACHED=$!
wait_until "wget -q -O /dev/null $LAB_URL/-/ready || [ ! -d /proc/$LAB_RCACHED ]"
expect_eq "user of rcached" "$(sed -n 's/^Uid:\t\([0-9]*\).*/\1/p' /proc/$LAB_RCACHED/status)" 65534
# Before 5.19, every call of bpf(2) requires CAP_BPF (bit 39) if unprivileged_bpf_disabled is set.
kept=0000000000000000
case $LAB_KERNEL in 5.10) kept=0000008000000000 ;; esac
expect_eq "capabilities of all its threads after the start" \
  "$(sed -n 's/^Cap\(Eff\|Prm\|Amb\):\t//p' /proc/$LAB_RCACHED/task/*/status | sort -u | paste -s -d ' ')" \
  "$(printf '0000000000000000\n%s\n' $kept | sort -u | paste -s -d ' ')"
direct_read "$LAB_NVME" 4k 500
group=$(domain_of "$LAB_NVME")
wait_until "[ \"\$(metric iova_allocations_total 'domain=\"$group\"')\" -ge 500 ]"
expect_ge "allocations seen with $UNIT_CAPABILITIES" "$(metric iova_allocations_total "domain=\"$group\"")" 500
expect_eq "devices of group $group by name" \
  "$(metric iova_domain_info "domain=\"$group\".*driver=\"nvme\"")" 1
# Operation needs no capabilities: reading kernel memory, and counting skipped programs.
expect_ge "audits without capabilities" "$(metric rcached_audits_total)" 1
expect_eq "reads of kernel memory that failed" "$(metric rcached_kernel_reads_total 'result="fault"')" 0
expect_ge "events sent, counted by the probes" "$(metric rcached_events_sent_total)" 500
stop_rcached

for missing in bpf perfmon syslog; do
  caps=$(echo "$UNIT_CAPABILITIES" | sed "s/+$missing//; s/,,/,/; s/^,//; s/,\$//")
  (as_user "$caps" /bin/rcached run --config "$LAB_CONFIG") >/tmp/missing.log 2>&1
  expect_eq "exit code without CAP_$missing" $? 4
  expect_eq "lines without CAP_$missing" "$(wc -l </tmp/missing.log)" 1
  info "without CAP_$missing: $(cat /tmp/missing.log)"
done
