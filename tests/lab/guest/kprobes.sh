# SPDX-License-Identifier: Apache-2.0
# Scenario kprobes: the same checks as in `counts` without trampolines (only kprobe and kretprobe).

export LAB_EXTRA_CONFIG='kernel: {probes: kprobe}'
. /lab/counts.sh
expect_eq "programs attached by trampoline" \
  "$(awk 'index($0, "rcached_program_runs_total{") == 1 && /method="f(entry|exit)"/' /tmp/after | wc -l)" 0
