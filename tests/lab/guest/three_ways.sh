# SPDX-License-Identifier: Apache-2.0
# Helpers for scenarios that compare rcached's mirror, its reading of kernel memory and the oracle (module/oracle.c) line
# by line: loaded and prev of every (domain, order, CPU), every depot, every tree, each with the hash of its pfns.

# _read_three: the current /tmp/{mirror,kernel,oracle}.lines in the oracle's format, with rcached's labels of domains.
# The audit that reads them must find no difference, so that the mirror is not one that the audit has just repaired.
_read_three() {
  oracle | grep -v '^fq ' | sort >/tmp/oracle.raw
  /bin/rcached audit --config "$LAB_CONFIG" --contents >/tmp/contents 2>/tmp/contents.err || return 1
  oracle | grep -v '^fq ' | sort >/tmp/oracle.again
  for _side in mirror kernel; do
    sed -n "s/^$_side //p" /tmp/contents | sort >"/tmp/$_side.raw"
  done
  # The exerciser's domains have no group: rcached labels them iovad-N. They are matched by the hashes of their trees.
  awk '
    $1 != "tree" { next }
    FILENAME == ARGV[1] { if ($2 ~ /^x/) x[$4] = $2; next }
    $2 ~ /^iovad-/ && ($4 in x) { print "s/^\\([a-z]*\\) " $2 " /\\1 " x[$4] " /" }' \
    /tmp/oracle.raw /tmp/kernel.raw >/tmp/names.sed
  for _side in mirror kernel; do
    sed -f /tmp/names.sed "/tmp/$_side.raw" | sort >"/tmp/$_side.lines"
  done
  cp /tmp/oracle.raw /tmp/oracle.lines
  cmp -s /tmp/oracle.raw /tmp/oracle.again # unchanged meanwhile
}

# compare_three_ways TITLE: call it at rest. Prints a table; passes if there is no difference.
compare_three_ways() {
  wait_until _read_three || { fail "$1: the state changes during the comparison: $(cat /tmp/contents.err)"; return 1; }
  awk -v title="$1" -v release="$(uname -r)" '
    function what(line, f) { split(line, f, " "); return f[1] }
    function domain(line, f) { split(line, f, " "); return f[2] }
    { side = FILENAME; sub(/.*\//, "", side); sub(/\..*/, "", side)
      key = $1 " " $2; if ($1 == "cpu") key = key " " $3 " " $4; if ($1 == "depot") key = key " " $3
      value[side, key] = $0; seen[key] = $0; domains[$2] = 1
      if (side == "oracle") { n[$2, $1]++
        if ($1 == "cpu") cached[$2] += $5 + $6
        if ($1 == "depot") magazines[$2] += $4
        if ($1 == "tree") ranges[$2] = $3 } }
    END {
      for (key in seen) { d = domain(key)
        if (value["mirror", key] != value["kernel", key]) mk[d]++
        if (value["mirror", key] != value["oracle", key]) mo[d]++
        if (value["kernel", key] != value["oracle", key]) ko[d]++ }
      printf "| %s, %s\n", title, release
      printf "| %-8s %9s %7s %9s %7s   %s\n", "domain", "cpu slots", "cached", "depot mag", "ranges", "differences mirror/reader mirror/oracle reader/oracle"
      for (d in domains) {
        printf "| %-8s %9d %7d %9d %7d   %21d %13d %13d\n", d, n[d, "cpu"], cached[d], magazines[d], ranges[d], mk[d], mo[d], ko[d]
        all += mk[d] + mo[d] + ko[d] }
      print "differences " all + 0 }' /tmp/mirror.lines /tmp/kernel.lines /tmp/oracle.lines >/tmp/table
  sed -n 's/^|/LAB: INFO |/p' /tmp/table
  _differences=$(sed -n 's/^differences //p' /tmp/table)
  if [ "$_differences" != 0 ]; then
    for _side in mirror kernel; do
      diff "/tmp/$_side.lines" /tmp/oracle.lines | grep '^[<>]' | head -n 6 | sed "s/^/$_side against oracle: /"
    done
  fi
  expect_eq "$1: differences between mirror, reader and oracle" "$_differences" 0
  expect_ge "$1: lines compared" "$(wc -l </tmp/oracle.lines)" 4
}

# touch_domains: makes calls in each of the exerciser's domains. They belong to no group, so rcached only detects them
# from their first event.
touch_domains() { exerciser_run threads=1 ops=200 mix=steady; }

# at_rest: waits until nothing changes in the kernel (depots shrink slowly from 6.7 on) and rcached has received all events.
at_rest() { rest _state 1.2; }
_state() {
  scrape /tmp/state
  _sent=$(metric rcached_events_sent_total '' /tmp/state)
  _taken=$(($(metric rcached_events_received_total '' /tmp/state) + $(metric rcached_events_lost_total 'reason="ring_full"' /tmp/state)))
  [ "$_sent" = "$_taken" ] || _taken="$_taken, the rest is pending at $(cat /proc/uptime)"
  echo "$(md5sum </proc/iova_oracle) $_sent $_taken"
}

# label_of xN: rcached's label of this domain of the exerciser. Valid after compare_three_ways.
label_of() { sed -n "s|^s/.* \(iovad-[0-9]*\) /.1 $1 /$|\1|p" /tmp/names.sed; }

# background_load: load on disk and network until background_end.
background_load() {
  while [ ! -e /tmp/enough ]; do direct_read "$LAB_NVME" 16k 200; done &
  LAB_LOAD=$!
  while [ ! -e /tmp/enough ]; do echo_bytes 64 >/dev/null; done &
  LAB_LOAD="$LAB_LOAD $!"
}
background_end() {
  : >/tmp/enough
  # shellcheck disable=SC2086 # several process ids
  wait $LAB_LOAD
  rm -f /tmp/enough
}

# drift_by_part FILE: differences found by audits in all domains.
drift_by_part() {
  awk 'index($0, "rcached_audit_drift_ranges_total{") == 1 { match($0, /part="[a-z]*"/); sum[substr($0, RSTART + 6, RLENGTH - 7)] += $NF }
    END { for (part in sum) printf "%s %d ", part, sum[part] }' "$1"
}

# never_wrong FILE: no audit has found a difference that is not explained by a lost event.
never_wrong() {
  if [ "$(metric rcached_events_lost_total '' "$1")" = 0 ]; then
    expect_eq "ranges that audits found wrong" "$(metric rcached_audit_drift_ranges_total '' "$1")" 0
    expect_eq "ranges corrected by readings of the probes" "$(metric rcached_drift_corrections_total '' "$1")" 0
  fi
}
