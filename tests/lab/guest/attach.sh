# SPDX-License-Identifier: Apache-2.0
# Scenario attach: `check` and `run` use the same attach plan, and startup does not fail if the kernel rejects a program.
# Written for 7.3, whose BTF has iova_magazine_free_pfns while its image only has a part of it (.part.0).

# planned fentry/fexit|kprobe FILE: number of functions that `check` would trace by this method.
planned() { sed -n "s|^ok   attach: .*\b\([0-9][0-9]*\) [a-z ]*by $1.*|\1|p" "$2"; }
# followed METHODS: number of functions that the daemon traces by these methods.
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
expect_eq "programs on .part.0" \
  "$(metric rcached_program_runs_total 'program="iova_magazine_free_pfns.part.0",method="kprobe"' | grep -c .)" 1
expect_eq "problems in the log" "$(grep -c 'traced\|attach\|refuses' "$LAB_LOG")" 0
stop_rcached

# With a symbol of the whole function that does not exist, neither its trampoline nor its kprobe can be attached.
sed 's/ iova_magazine_free_pfns\.part\.0$/ iova_magazine_free_pfns/' /proc/kallsyms >/tmp/kallsyms
mount -o bind /tmp/kallsyms /proc/kallsyms
start_rcached || return 0
umount /proc/kallsyms
info "with a symbol that the kernel does not have: $(grep iova_magazine_free_pfns "$LAB_LOG" | paste -s -d '|')"
expect_eq "functions traced, all but that one" "$(followed '[a-z]*')" \
  $(($(planned fentry/fexit /tmp/check.log) + $(planned kprobe /tmp/check.log) - 1))
expect_ge "warnings that name it" "$(grep -c '^<4>.*iova_magazine_free_pfns' "$LAB_LOG")" 1
before=$(metric iova_allocations_total)
direct_read "$LAB_NVME" 4k 100
wait_until '[ "$(metric iova_allocations_total)" -ge $((before + 100)) ]'
expect_ge "allocations seen without it" "$(($(metric iova_allocations_total) - before))" 100
