// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/series_heads.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "exporters/prometheus/exposition.h"
#include "view/domain_names.h"

namespace rcached {
namespace {

constexpr std::array<std::string_view, kCachedOrders + 1> kOrderNames = {"0", "1", "2", "3", "4", "5", "6+"};

Piece whole(const Labels& labels) { return Piece(label_block(labels)); }
Piece opening(const Labels& labels) { return Piece("{" + joined(labels) + ","); }
Piece closing(const Labels& labels) { return Piece(joined(labels) + "} "); }

// To Prometheus, an empty label value means "no label"; a placeholder keeps a metric's label set constant.
std::string_view or_word(std::string_view value, std::string_view word) {
  return value.empty() ? word : value;
}

bool same(const DomainInfo& a, const DomainInfo& b) {
  return a.id == b.id && a.granule_bytes == b.granule_bytes && a.label == b.label && a.type == b.type &&
         a.devices == b.devices && a.driver == b.driver && a.iommu == b.iommu;
}

DomainHeads make_heads(const DomainInfo& info) {
  const std::string& domain = info.label;
  DomainHeads heads;
  heads.whole = whole({{"domain", domain}});
  heads.open = opening({{"domain", domain}});
  heads.info = whole({{"domain", domain},
                      {"type", or_word(info.type, "unknown")},
                      {"devices", or_word(info.devices, "none")},
                      {"driver", or_word(info.driver, "none")},
                      {"iommu", or_word(info.iommu, "unknown")},
                      {"granule", info.granule_bytes == 0 ? "unknown" : std::to_string(info.granule_bytes)}});
  for (std::size_t order = 0; order < heads.orders.size(); ++order) {
    heads.orders[order] = whole({{"domain", domain}, {"order", kOrderNames[order]}});
  }
  for (std::size_t order = 0; order < heads.orders_open.size(); ++order) {
    heads.orders_open[order] = opening({{"domain", domain}, {"order", kOrderNames[order]}});
  }
  return heads;
}

}  // namespace

bool SeriesHeads::same_domains(const View& view) const {
  return std::equal(view.snapshot.domains.begin(), view.snapshot.domains.end(), ids_.begin(), ids_.end(),
                    [](const DomainSnapshot& domain, std::uint64_t id) { return domain.id == id; }) &&
         std::equal(view.domains.begin(), view.domains.end(), names_.begin(), names_.end(), same);
}

void SeriesHeads::update(const View& view) {
  if (view.kernel.cpu_nodes != cpu_nodes_) {
    cpu_nodes_ = view.kernel.cpu_nodes;
    cpus_.clear();
  }
  if (same_domains(view)) return;
  ++made_;
  ids_.clear();
  domains_.clear();
  names_ = view.domains;
  for (const NamedDomain& domain : named_domains(view)) {
    ids_.push_back(domain.state->id);
    domains_.push_back(make_heads(domain.info));
  }
}

void SeriesHeads::add_cpu(std::uint16_t cpu) {
  if (cpu >= cpus_.size()) cpus_.resize(cpu + std::size_t{1});
  const std::string number = std::to_string(cpu);
  const int node = cpu < cpu_nodes_.size() ? cpu_nodes_[cpu] : -1;
  const std::string node_name = node < 0 ? "unknown" : std::to_string(node);
  CpuHeads heads;
  heads.cpu = closing({{"cpu", number}});
  heads.node = closing({{"cpu", number}, {"node", node_name}});
  heads.loaded = closing({{"cpu", number}, {"node", node_name}, {"magazine", "loaded"}});
  heads.prev = closing({{"cpu", number}, {"node", node_name}, {"magazine", "prev"}});
  cpus_[cpu] = std::make_unique<const CpuHeads>(std::move(heads));
}

}  // namespace rcached
