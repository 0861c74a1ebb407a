# SPDX-License-Identifier: Apache-2.0
# lab: modules
# Scenario loss: rings so small that at least a fifth of the events is lost. Every lost event is counted, the domains are
# reported as lossy, and at rest everything is exact again without waiting for the next audit.

printf 'http: {listen: "0.0.0.0:9731"}\nmetrics: {per_cpu: true}\nkernel: {ring_size: 64KiB}\npipeline: {drain_interval: 20ms, snapshot_interval: 200ms}\naudit: {interval: 3600s, budget: 300ms}\n' >"$LAB_CONFIG"
. /lab/three_ways.sh
start_rcached || return 0
load_modules || return 0
exerciser run threads="$LAB_CPUS" ops=600000 seed=1 mix=mixed hold=1
exerciser wait &
_lossy() { scrape /tmp/lossy && [ "$(metric rcached_domain_confidence 'confidence="lossy"' /tmp/lossy)" -ge 2 ]; }
wait_until _lossy
expect_ge "domains lossy under load" "$(metric rcached_domain_confidence 'confidence="lossy"' /tmp/lossy)" 2
expect_eq "unaccounted ranges under loss" "$(metric iova_unaccounted_ranges '' /tmp/lossy)" 0
wait $!
rested=$(cut -d' ' -f1 /proc/uptime)
wait_until '[ "$(metric rcached_domain_confidence "confidence=\"(lossy|partial)\"")" = 0 ]'
seconds=$(echo "$rested $(cut -d' ' -f1 /proc/uptime)" | awk '{ print $2 - $1 }')
info "$seconds s from rest to exact"
expect_eq "domains lossy or partial at rest" "$(metric rcached_domain_confidence 'confidence="(lossy|partial)"')" 0
at_rest
scrape /tmp/after
sent=$(metric rcached_events_sent_total '' /tmp/after)
lost=$(metric rcached_events_lost_total 'reason="ring_full"' /tmp/after)
info "$sent events sent, $lost lost in full rings; audits repaired: $(drift_by_part /tmp/after)"
expect_ge "lost events in percent" $((lost * 100 / sent)) 20
expect_eq "events sent = received + lost" "$sent" $(($(metric rcached_events_received_total '' /tmp/after) + lost))
expect_ge "domains resynced" "$(metric rcached_domain_confidence 'confidence="resynced"' /tmp/after)" 2
compare_three_ways "after the loss of $((lost * 100 / sent)) % of the events"
