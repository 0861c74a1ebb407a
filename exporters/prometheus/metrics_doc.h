// SPDX-License-Identifier: Apache-2.0
// The text of docs/metrics.md, made from kMetrics. Pure.
#pragma once

#include <string>

namespace rcached {

std::string metrics_markdown();

}  // namespace rcached
