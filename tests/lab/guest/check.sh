# SPDX-License-Identifier: Apache-2.0
# Scenario check: `rcached check` prints the output shown in docs/check.md, except for the kernel release. Written for 6.1; needs
# --file /docs/check.md=docs/check.md and --file /sbin/setpriv-full=PATH.

any_release() { sed 's/kernel [^:]*:/kernel RELEASE:/'; }

# expect_documented TITLE FILE: the first block below "## TITLE" equals FILE.
expect_documented() {
  awk -v title="## $1" '$0 == title { on = 1 } on && /^```/ { if (inside) exit; inside = 1; next } inside' /docs/check.md |
    any_release >/tmp/documented
  any_release <"$2" >/tmp/printed
  if [ -s /tmp/documented ] && cmp -s /tmp/documented /tmp/printed; then
    pass "$1: as documented"
  else
    fail "$1: not as documented: $(diff /tmp/documented /tmp/printed | head -n 6 | paste -s -d '|')"
  fi
}

/bin/rcached check --config "$LAB_CONFIG" >/tmp/check.log 2>&1
expect_eq "exit code" $? 0
expect_documented "A machine that can be traced" /tmp/check.log

/sbin/setpriv-full --reuid 65534 --regid 65534 --clear-groups /bin/rcached check --config "$LAB_CONFIG" >/tmp/check.log 2>&1
expect_eq "exit code without root" $? 4
expect_documented "Without root" /tmp/check.log

printf 'http:\n  listne: 1\n' >/tmp/wrong.yaml
/bin/rcached check --config /tmp/wrong.yaml >/tmp/check.log 2>&1
expect_eq "exit code with a wrong configuration" $? 3
expect_documented "With a wrong configuration" /tmp/check.log

expect_le "lines of --help" "$(/bin/rcached --help | wc -l)" 24
expect_le "widest line of --help" "$(/bin/rcached --help | awk '{ if (length > w) w = length } END { print w }')" 80
