# SPDX-License-Identifier: Apache-2.0
# Scenario run: rcached under a steady, moderate load of several orders on every device, until the guest is stopped.

start_rcached || return 0
echo "LAB: READY"

while :; do
  for size in 4k 8k 16k 32k 64k 128k; do
    direct_read "$LAB_NVME" $size 100
    sleep 0.05
  done
done &
while :; do
  direct_read "$LAB_DISK" 16k 50
  sleep 0.3
done &
while :; do
  echo_bytes 128 >/dev/null
  sleep 0.2
done &
# Bursts of concurrent requests, from each CPU in turn, to change outstanding and the caches.
while :; do
  for cpu in $(seq 0 $((LAB_CPUS - 1))); do
    aioload --cpu "$cpu" --depth 200 --size 8192 --count 200 "/dev/$LAB_NVME_SLOW" >/dev/null
    sleep 1
  done
done &

wait "$LAB_RCACHED"
fail "rcached exited: $(log_tail)"
