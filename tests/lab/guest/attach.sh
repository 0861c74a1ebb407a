# SPDX-License-Identifier: Apache-2.0
# Scenario attach: `check` and `run` follow the same plan, and a program that the kernel does not load does not end the
# start. Written for 7.3, whose BTF has iova_magazine_free_pfns while its image has a part of it only (.part.0).

# planned fentry/fexit|kprobe FILE: how many functions `check` would follow in that way.
planned() { sed -n "s|^ok   attach: .*\b\([0-9][0-9]*\) [a-z ]*by $1.*|\1|p" "$2"; }
# followed METHODS: how many functions the daemon follows by these methods.
followed() {
  wget -q -O - "$LAB_URL/metrics" | sed -n "s/^rcached_program_runs_total{.*program=\"\([^\"]*\)\",method=\"\($1\)\".*/\1/p" |
    sort -u | wc -l
}

expect_eq "whole symbols of iova_magazine_free_pfns" "$(grep -c ' iova_magazine_free_pfns$' /proc/kallsyms)" 0
/bin/rcached check --config "$LAB_CONFIG" >/tmp/check.log
expect_eq "exit code of check" $? 0
info "$(grep 'attach:' /tmp/check.log)"
start_rcached || return 0
expect_eq "functions by trampoline, run = check" "$(followed 'fentry\|fexit')" "$(planned fentry/fexit /tmp/check.log)"
expect_eq "functions by kprobe, run = check" "$(followed 'kprobe\|kretprobe')" "$(planned kprobe /tmp/check.log)"
expect_eq "programs on the part" \
  "$(metric rcached_program_runs_total 'program="iova_magazine_free_pfns.part.0",method="kprobe"' | grep -c .)" 1
expect_eq "complaints in the log" "$(grep -c 'traced\|attach\|refuses' "$LAB_LOG")" 0
stop_rcached

# Symbols that promise the whole function: neither its trampoline nor, then, its kprobe is to be had.
sed 's/ iova_magazine_free_pfns\.part\.0$/ iova_magazine_free_pfns/' /proc/kallsyms >/tmp/kallsyms
mount -o bind /tmp/kallsyms /proc/kallsyms
start_rcached || return 0
umount /proc/kallsyms
info "with a symbol that the kernel does not have: $(grep iova_magazine_free_pfns "$LAB_LOG" | paste -s -d '|')"
expect_eq "functions followed, all but that one" "$(followed '[a-z]*')" \
  $(($(planned fentry/fexit /tmp/check.log) + $(planned kprobe /tmp/check.log) - 1))
expect_ge "warnings that name it" "$(grep -c '^<4>.*iova_magazine_free_pfns' "$LAB_LOG")" 1
before=$(metric iova_allocations_total)
direct_read "$LAB_NVME" 4k 100
wait_until '[ "$(metric iova_allocations_total)" -ge $((before + 100)) ]' 10
expect_ge "allocations seen without it" "$(($(metric iova_allocations_total) - before))" 100
