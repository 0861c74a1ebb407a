// SPDX-License-Identifier: Apache-2.0
// What a Pipeline is made of, as a configuration says it: for every command that follows the allocator in its
// own process (`rcached run`, `rcached top --source`).
#pragma once

#include <memory>

#include "daemon/config/config.h"
#include "daemon/error.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/source/event_source.h"

namespace rcached {

// Whether this host lets itself be traced, where the source is the kernel. Errors: no_iommu, permission,
// lockdown.
Expected<void> check_host(const Config& config);

std::unique_ptr<EventSource> make_source(const Config& config);

// sysfs knows nothing of synthetic domains, and this host's groups are not theirs.
MirrorFeed::GroupReader make_group_reader(const Config& config);

PipelineTuning pipeline_tuning(const Config& config);

// Reads the clock (the start) and the kernel's layout.
PipelineOptions pipeline_options(const Config& config);

}  // namespace rcached
