# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # service_checks.sh, which reads this file, sets group
# Part of service_checks.sh: `systemctl reload`. A valid configuration is taken over and the mirror stays; an invalid
# one changes nothing, and the journal says why.

reloading=$(main_pid)
counted=$(allocations)
mkdir -p /etc/rcached/rcached.d
echo 'metrics: {per_cpu: true}' >/etc/rcached/rcached.d/lab.yaml
systemctl reload rcached
wait_until "[ -n \"\$(metric iova_rcache_cpu_ranges)\" ]" 10
expect_ge "series of each CPU after the reload" "$(metric iova_rcache_cpu_ranges "domain=\"$group\"")" 0
expect_eq "the same process" "$(main_pid)" "$reloading"
expect_ge "allocations counted on" "$(allocations)" "$counted"
expect_ge "outstanding ranges that the mirror kept" "$(metric iova_tree_ranges "domain=\"$group\"")" 1

echo 'metrics: {per_cpu: maybe}' >/etc/rcached/rcached.d/lab.yaml
systemctl reload rcached
wait_until "[ \"\$(metric rcached_config_last_reload_successful)\" = 0 ]" 10
expect_eq "a wrong one is refused" "$(metric rcached_config_last_reload_successful)" 0
expect_eq "the reason in the journal" "$(journal | grep -c 'not reloaded.*rcached.d/lab.yaml:1')" 1
expect_ge "series of each CPU as before" "$(metric iova_rcache_cpu_ranges "domain=\"$group\"")" 0
expect_eq "the service goes on" "$(systemctl is-active rcached) $(main_pid)" "active $reloading"
rm /etc/rcached/rcached.d/lab.yaml
systemctl reload rcached
wait_until "[ \"\$(metric rcached_config_last_reload_successful)\" = 1 ]" 10
expect_eq "and takes the next" "$(metric rcached_config_last_reload_successful)" 1
