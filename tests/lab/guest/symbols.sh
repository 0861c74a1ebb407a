# SPDX-License-Identifier: Apache-2.0
# Scenario symbols: prints which functions of the IOVA allocator this kernel has as symbols, suffixes included.

awk '$2 ~ /[tTwW]/ && $3 ~ /iova|fq_flush_timeout|fq_ring_free/ { print $3, $4 }' /proc/kallsyms | sort -u >/tmp/symbols
info "$(wc -l </tmp/symbols) symbols: $(tr '\n' ',' </tmp/symbols)"
info "hist triggers: $(grep -c 'hist:keys' "$TRACING/README"), fprobe events: $(grep -c 'f\[:' "$TRACING/README")"
expect_ge "symbols of alloc_iova_fast" "$(grep -c '^alloc_iova_fast' /tmp/symbols)" 1
