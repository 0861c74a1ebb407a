# SPDX-License-Identifier: Apache-2.0
# Checks the units with systemd, using the binary of this build. Any warning is a failure, and so is an exposure of more
# than 2.0 (docs/service.md explains the remaining points).
foreach(name rcached.service rcached.socket)
  file(READ ${UNITS}/${name} unit)
  string(REPLACE "/usr/bin/rcached" "${RCACHED}" unit "${unit}")
  string(REGEX REPLACE "Documentation=[^\n]*\n" "" unit "${unit}")  # the man page is not installed in a build tree
  file(WRITE ${WORK}/${name} "${unit}")
endforeach()
execute_process(COMMAND ${SYSTEMD_ANALYZE} verify ${WORK}/rcached.service ${WORK}/rcached.socket
                RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
# verify also reports on other units of this machine; only lines about rcached count.
string(REGEX MATCHALL "[^\n]*rcached[^\n]*" findings "${output}")
if(result OR findings)
  message(FATAL_ERROR "systemd-analyze verify: ${result}\n${output}")
endif()
execute_process(COMMAND ${SYSTEMD_ANALYZE} security --offline=true --no-pager --threshold=20 ${WORK}/rcached.service
                RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(result)
  message(FATAL_ERROR "systemd-analyze security: ${result}\n${output}")
endif()
