# SPDX-License-Identifier: Apache-2.0
# lab: modules
# Scenario truth: for every kind of load, mirror, reader and oracle agree on every slot, and the mirror predicts which
# pfn is returned.

printf 'http: {listen: "0.0.0.0:9731"}\nmetrics: {per_cpu: true}\nkernel: {ring_size: 32MiB}\naudit: {interval: 5s, budget: 300ms}\n' >"$LAB_CONFIG"
. /lab/three_ways.sh
direct_read "$LAB_NVME" 16k 300 # so that domains are in use when rcached starts
start_rcached || return 0
load_modules || return 0
at_rest
compare_three_ways "after the start"

# predictions LABEL: "permille*100 predictions hits" since /tmp/before.
predictions() {
  p=$(delta rcached_predictions_total "domain=\"$1\"") h=$(delta rcached_prediction_hits_total "domain=\"$1\"")
  echo "$p $h" | awk '{ printf "%.4f", $1 ? 100 * $2 / $1 : 0 }'
}
classes() {
  for class in reordered depot_race migration unknown; do
    printf '%s %s ' $class "$(delta rcached_prediction_misses_total "domain=\"$1\",class=\"$class\"")"
  done
}

x0=$(label_of x0)
x1=$(label_of x1)
scrape /tmp/before
exerciser_run threads=1 ops=200000 seed=1 mix=steady domain=0
at_rest
scrape /tmp/after
hits=$(predictions "$x0")
info "one CPU: $(delta rcached_predictions_total "domain=\"$x0\"") predictions, $hits % hits; misses: $(classes "$x0")"
expect_ge "predictions, one CPU" "$(delta rcached_predictions_total "domain=\"$x0\"")" 50000
expect_ge "hits in percent, one CPU" "$hits" 99.99

scrape /tmp/before
exerciser_run threads="$LAB_CPUS" ops=600000 seed=2 mix=steady domain=1
at_rest
scrape /tmp/after
hits=$(predictions "$x1")
info "$LAB_CPUS CPUs on one domain: $(delta rcached_predictions_total "domain=\"$x1\"") predictions, $hits % hits; misses: $(classes "$x1"); lost $(delta rcached_events_lost_total)"
expect_ge "predictions, $LAB_CPUS CPUs" "$(delta rcached_predictions_total "domain=\"$x1\"")" 100000
expect_ge "hits in percent, $LAB_CPUS CPUs" "$hits" 99.5
compare_three_ways "four CPUs on one domain"

# All mixes at once, with disk and network.
scrape /tmp/before
background_load
for mix in mixed handover depot limits; do
  ops=1000000
  [ $mix = mixed ] || ops=500000
  exerciser_run threads="$LAB_CPUS" ops=$ops seed=3 mix=$mix
done
exerciser_run threads="$LAB_CPUS" ops=100000 seed=4 mix=flush domain=1 window=4096
exerciser_run threads="$LAB_CPUS" ops=400000 seed=5 mix=mixed hold=1
background_end
at_rest
scrape /tmp/after
info "$(delta rcached_events_total) events, lost $(delta rcached_events_lost_total); all domains: $(delta rcached_predictions_total) predictions, $(predictions '.*') % hits; misses: $(classes '.*')"
expect_ge "operations of the exerciser, total" "$(($(exerciser_count allocs 'x.') + $(exerciser_count failures 'x.') + $(exerciser_count frees 'x.')))" 3000000
expect_eq "events sent = received + lost in full rings" "$(metric rcached_events_sent_total '' /tmp/after)" \
  $(($(metric rcached_events_received_total '' /tmp/after) + $(metric rcached_events_lost_total 'reason="ring_full"' /tmp/after)))
compare_three_ways "after everything"
exerciser free
at_rest
compare_three_ways "after all is freed"
scrape /tmp/end
for x in $x0 $x1; do
  expect_eq "outstanding in $x after all is freed" "$(metric iova_outstanding_ranges "domain=\"$x\"" /tmp/end)" 0
done
never_wrong /tmp/end
if [ "$LAB_MODE" = lazy ]; then
  drained=$(metric iova_flush_queue_drained_ranges_total '' /tmp/end)
  expect_ge "runs of the flush-queue timer" "$(metric iova_flush_queue_drains_total '' /tmp/end)" 10
  expect_ge "ranges freed by them" "$drained" 100
  expect_eq "ranges freed by them, by CPU" "$(metric iova_flush_queue_cpu_drained_ranges_total '' /tmp/end)" "$drained"
  expect_eq "ranges waiting at rest" "$(metric iova_fq_pending_ranges '' /tmp/end)" 0
fi
expect_eq "unaccounted ranges, all domains" "$(metric iova_unaccounted_ranges '' /tmp/end)" 0
expect_eq "domains lossy or partial" "$(metric rcached_domain_confidence 'confidence="(lossy|partial)"' /tmp/end)" 0
