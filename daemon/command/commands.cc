// SPDX-License-Identifier: Apache-2.0
#include "daemon/command/commands.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <vector>

#include "daemon/check/host_facts.h"
#include "daemon/config/config_docs.h"
#include "daemon/config/loaded_config.h"
#include "daemon/host/iommu_groups.h"
#include "exporters/http/web_config.h"

namespace rcached {

namespace {

std::vector<IommuGroup> traceable_groups(const std::vector<IommuGroup>& groups) {
  std::vector<IommuGroup> chosen;
  std::copy_if(groups.begin(), groups.end(), std::back_inserter(chosen),
               [](const IommuGroup& group) { return group.translates_dma(); });
  return chosen;
}

std::string as_table(const std::vector<IommuGroup>& groups) {
  std::size_t width = std::string_view("DEVICES").size();
  for (const IommuGroup& group : groups) width = std::max(width, group.device_list().size());
  std::string out = fmt::format("{:<6} {:<8} {:<{}}  {}\n", "GROUP", "TYPE", "DEVICES", width, "DRIVER");
  for (const IommuGroup& group : groups) {
    out += fmt::format("{:<6} {:<8} {:<{}}  {}\n", group.number, group.type, group.device_list(), width,
                       group.driver_list());
  }
  return out;
}

std::string as_json(const std::vector<IommuGroup>& groups) {
  auto list = nlohmann::ordered_json::array();
  for (const IommuGroup& group : groups) {
    auto devices = nlohmann::ordered_json::array();
    for (const IommuDevice& device : group.devices) {
      devices.push_back({{"name", device.name}, {"driver", device.driver}});
    }
    list.push_back({{"group", group.number}, {"type", group.type}, {"devices", std::move(devices)}});
  }
  return list.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

ErrorCode check_command(const CommandLine& command_line, std::FILE* out) {
  const auto loaded = load_config(config_request(command_line));
  const auto items = evaluate(gather_host_facts({loaded ? loaded->summary() : std::string(),
                                                 loaded.map([](const auto& good) { return good.config; })}));
  fmt::print(out, "{}", command_line.json ? format_report_json(items) : format_report(items));
  return verdict(items);
}

Expected<void> domains_command(const CommandLine& command_line, std::FILE* out) {
  const auto groups = read_iommu_groups();
  const auto chosen = traceable_groups(groups);
  if (command_line.json) fmt::print(out, "{}", as_json(chosen));
  if (chosen.empty()) return tl::unexpected(check_iommu(groups).error());
  if (!command_line.json) fmt::print(out, "{}", as_table(chosen));
  return {};
}

Expected<void> check_config_command(const CommandLine& command_line, std::FILE* out) {
  RCACHED_TRY(const auto loaded, load_config(config_request(command_line)));
  if (const std::string& web = loaded.config.http.web_config; !web.empty()) {
    RCACHED_CHECK(load_web_config(web));
  }
  fmt::print(out, "# {}: valid; effective configuration:\n{}", loaded.summary(),
             format_config(loaded.config));
  return {};
}

Expected<void> config_show_command(const CommandLine& command_line, std::FILE* out) {
  RCACHED_TRY(const auto loaded, load_config(config_request(command_line)));
  const Shown shown = command_line.changed ? Shown::changed : Shown::all;
  fmt::print(out, "{}", command_line.json ? show_config_json(loaded, shown) : show_config(loaded, shown));
  return {};
}

}  // namespace rcached
