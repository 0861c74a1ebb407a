# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # service_checks.sh, which reads this file, sets group
# Part of service_checks.sh: `systemctl reload`. A valid configuration is applied and the mirror kept; an invalid one
# changes nothing, and the journal has the reason.

reloading=$(main_pid)
counted=$(allocations)
mkdir -p /etc/rcached/rcached.d
echo 'metrics: {per_cpu: true}' >/etc/rcached/rcached.d/lab.yaml
systemctl reload rcached
wait_until "[ -n \"\$(metric iova_rcache_cpu_ranges)\" ]"
expect_ge "series of each CPU after the reload" "$(metric iova_rcache_cpu_ranges "domain=\"$group\"")" 0
expect_eq "the same process" "$(main_pid)" "$reloading"
expect_ge "allocation counter continues" "$(allocations)" "$counted"
expect_ge "tree ranges kept in the mirror" "$(metric iova_tree_ranges "domain=\"$group\"")" 1

echo 'metrics: {per_cpu: maybe}' >/etc/rcached/rcached.d/lab.yaml
systemctl reload rcached
wait_until "[ \"\$(metric rcached_config_last_reload_successful)\" = 0 ]"
expect_eq "an invalid configuration is rejected" "$(metric rcached_config_last_reload_successful)" 0
expect_eq "the reason in the journal" "$(journal | grep -c 'not reloaded.*rcached.d/lab.yaml:1')" 1
expect_ge "series of each CPU unchanged" "$(metric iova_rcache_cpu_ranges "domain=\"$group\"")" 0
expect_eq "the service keeps running" "$(systemctl is-active rcached) $(main_pid)" "active $reloading"
rm /etc/rcached/rcached.d/lab.yaml
systemctl reload rcached
wait_until "[ \"\$(metric rcached_config_last_reload_successful)\" = 1 ]"
expect_eq "and applies the next configuration" "$(metric rcached_config_last_reload_successful)" 1
