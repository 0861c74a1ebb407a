// SPDX-License-Identifier: Apache-2.0
// Makes a Pipeline from a configuration, for every command that traces the allocator in its own process
// (`rcached run`, `rcached top --source`).
#pragma once

#include <memory>

#include "base/error.h"
#include "daemon/config/config.h"
#include "daemon/pipeline/pipeline.h"

namespace rcached {

// Whether this host can be traced, if the source is the kernel. Errors: no_iommu, permission,
// lockdown.
Expected<void> check_host(const Config& config);

// Reads the clock (for the start time) and the kernel's types. Errors: no_btf, unknown_layout.
Expected<std::shared_ptr<Pipeline>> make_pipeline(const Config& config);

PipelineTuning pipeline_tuning(const Config& config);

}  // namespace rcached
