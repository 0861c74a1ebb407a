// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/domain_table.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <variant>

#include "exporters/top/figures.h"

namespace rcached::top {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string holding(const Domain& domain) {
  std::string out;
  for (const Verdict& verdict : domain.verdicts) {
    if (!verdict.holds) continue;
    if (!out.empty()) out += ",";
    out += verdict.verdict;
  }
  return out;
}

// From most to least certain.
int doubt(std::string_view state) {
  if (state == "exact") return 0;
  if (state == "resynced") return 1;
  return state == "partial" ? 2 : 3;
}

Figure rate_of(const Domain& domain, double Rates::*member) {
  if (!domain.rates) return std::nullopt;
  return (*domain.rates).*member;
}

using SortKey = std::variant<Figure, std::string>;

SortKey sort_key(const Domain& domain, ColumnId id) {
  const auto ranges = [](auto value) { return Figure(static_cast<double>(value)); };
  switch (id) {
    case ColumnId::domain:
      return std::string();  // the tie-break is the label
    case ColumnId::tree:
      return ranges(domain.balance.tree.ranges);
    case ColumnId::tree_slope:
      return domain.balance.tree.per_second;
    case ColumnId::outstanding:
      return ranges(domain.balance.outstanding.ranges);
    case ColumnId::outstanding_slope:
      return domain.balance.outstanding.per_second;
    case ColumnId::cpu_cached:
      return ranges(domain.balance.cpu_cached.ranges);
    case ColumnId::cpu_cached_slope:
      return domain.balance.cpu_cached.per_second;
    case ColumnId::depot_cached:
      return ranges(domain.balance.depot_cached.ranges);
    case ColumnId::depot_cached_slope:
      return domain.balance.depot_cached.per_second;
    case ColumnId::fullest:
      return domain.depot.fullest ? domain.depot.fullest->ratio : Figure();
    case ColumnId::misses:
      return domain.miss_ratio();
    case ColumnId::overflows:
      return rate_of(domain, &Rates::depot_overflows);
    case ColumnId::allocations:
      return rate_of(domain, &Rates::allocations);
    case ColumnId::frees:
      return rate_of(domain, &Rates::frees);
    case ColumnId::reserved:
      return ranges(domain.balance.reserved.ranges);
    case ColumnId::unaccounted:
      return ranges(domain.balance.unaccounted.ranges);
    case ColumnId::confidence:
      return ranges(doubt(domain.confidence.state));
    case ColumnId::verdict:
      return holding(domain);
    case ColumnId::type:
      return domain.type;
    case ColumnId::devices:
      return joined(domain.devices);
  }
  return Figure();
}

// Numbers first, as numbers, then names.
bool label_before(const std::string& a, const std::string& b) {
  const auto number = [](const std::string& label) -> Known {
    Count value = 0;
    const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), value);
    return error == std::errc() && end == label.data() + label.size() ? Known(value) : Known();
  };
  const Known x = number(a), y = number(b);
  if (x && y && *x != *y) return *x < *y;
  if (x.has_value() != y.has_value()) return x.has_value();
  return a.size() != b.size() && !x ? std::pair(a.size(), a) < std::pair(b.size(), b) : a < b;
}

// Less than 0: `a` comes before `b`.
int compare(const SortKey& a, const SortKey& b, bool descending) {
  const int direction = descending ? -1 : 1;
  if (const auto* text = std::get_if<std::string>(&a)) {
    const auto& other = std::get<std::string>(b);
    if (text->empty() != other.empty()) return text->empty() ? 1 : -1;
    return direction * text->compare(other);
  }
  const Figure &x = std::get<Figure>(a), &y = std::get<Figure>(b);
  if (x.has_value() != y.has_value()) return x ? -1 : 1;
  if (!x || *x == *y) return 0;
  return direction * (*x < *y ? -1 : 1);
}

ColumnText verdict_text(const Domain& domain) {
  const std::string names = holding(domain);
  if (!names.empty()) return {names, {.tone = names == "healthy" ? Tone::good : Tone::warning}};
  return {domain.verdicts.empty() ? kUnknown : "none", {.tone = Tone::faint}};
}

}  // namespace

const std::vector<Column>& columns() {
  static const std::vector<Column> kColumns = {
      {ColumnId::domain, "domain", "DOMAIN", 'D', 7, false, false, 0},
      {ColumnId::tree, "tree", "TREE", 'T', 6, true, false, 1},
      {ColumnId::tree_slope, "tree-slope", "+/S", 0, 6, true, false, 2},
      {ColumnId::outstanding, "outstanding", "OUTST", 'O', 6, true, false, 3},
      {ColumnId::outstanding_slope, "outstanding-slope", "+/S", 0, 6, true, false, 4},
      {ColumnId::cpu_cached, "cpu-cached", "CPU", 'C', 6, true, false, 5},
      {ColumnId::cpu_cached_slope, "cpu-cached-slope", "+/S", 0, 6, true, false, 12},
      {ColumnId::depot_cached, "depot-cached", "DEPOT", 'P', 6, true, false, 6},
      {ColumnId::depot_cached_slope, "depot-cached-slope", "+/S", 0, 6, true, false, 13},
      {ColumnId::fullest, "fullest", "FULL", 'F', 5, true, false, 8},
      {ColumnId::misses, "misses", "MISS", 'M', 5, true, false, 10},
      {ColumnId::overflows, "overflows", "OVF/S", 'V', 5, true, false, 9},
      {ColumnId::allocations, "allocations", "ALLOC/S", 'A', 7, true, false, 15},
      {ColumnId::frees, "frees", "FREE/S", 0, 6, true, false, 16},
      {ColumnId::reserved, "reserved", "RESERV", 0, 6, true, false, 17},
      {ColumnId::unaccounted, "unaccounted", "UNACC", 'U', 6, true, false, 18},
      {ColumnId::confidence, "confidence", "CONF", 'X', 5, false, false, 7},
      {ColumnId::verdict, "verdict", "VERDICT", 'W', 6, false, true, 11},
      {ColumnId::type, "type", "TYPE", 0, 7, false, false, 19},
      {ColumnId::devices, "devices", "DEVICES", 'I', 12, false, true, 14},
  };
  return kColumns;
}

const Column& column(ColumnId id) { return columns()[static_cast<std::size_t>(id)]; }

std::optional<ColumnId> column_by_name(std::string_view name) {
  for (const Column& each : columns()) {
    if (each.name == name) return each.id;
  }
  return std::nullopt;
}

std::optional<ColumnId> column_by_key(char32_t key) {
  for (const Column& each : columns()) {
    if (each.key != 0 && static_cast<char32_t>(each.key) == key) return each.id;
  }
  return std::nullopt;
}

std::string column_names() {
  std::string out;
  for (const Column& each : columns()) out += (out.empty() ? "" : ", ") + std::string(each.name);
  return out;
}

SortOrder first_order(ColumnId id) { return {id, column(id).numbers || id == ColumnId::confidence}; }

ColumnText column_text(const Domain& domain, ColumnId id) {
  switch (id) {
    case ColumnId::domain:
      return {domain.label, {.bold = true}};
    case ColumnId::tree:
      return {count(domain.balance.tree.ranges), {}};
    case ColumnId::tree_slope:
      return {slope(domain.balance.tree.per_second), {}};
    case ColumnId::outstanding:
      return {count(domain.balance.outstanding.ranges), {}};
    case ColumnId::outstanding_slope:
      return {slope(domain.balance.outstanding.per_second), {}};
    case ColumnId::cpu_cached:
      return {count(domain.balance.cpu_cached.ranges), {}};
    case ColumnId::cpu_cached_slope:
      return {slope(domain.balance.cpu_cached.per_second), {}};
    case ColumnId::depot_cached:
      return {count(domain.balance.depot_cached.ranges), {}};
    case ColumnId::depot_cached_slope:
      return {slope(domain.balance.depot_cached.per_second), {}};
    case ColumnId::fullest: {
      const Figure ratio = domain.depot.fullest ? domain.depot.fullest->ratio : Figure();
      return {percent(ratio), ratio_style(ratio)};
    }
    case ColumnId::misses:
      return {percent(domain.miss_ratio()), {}};
    case ColumnId::overflows: {
      const Figure value = rate_of(domain, &Rates::depot_overflows);
      return {rate(value), {.tone = value && *value > 0 ? Tone::warning : Tone::normal}};
    }
    case ColumnId::allocations:
      return {rate(rate_of(domain, &Rates::allocations)), {}};
    case ColumnId::frees:
      return {rate(rate_of(domain, &Rates::frees)), {}};
    case ColumnId::reserved:
      return {count(domain.balance.reserved.ranges), {}};
    case ColumnId::unaccounted:
      return {signed_count(domain.balance.unaccounted.ranges), {}};
    case ColumnId::confidence:
      return {domain.confidence.state == "resynced" ? "resyn" : domain.confidence.state,
              confidence_style(domain.confidence.state)};
    case ColumnId::verdict:
      return verdict_text(domain);
    case ColumnId::type:
      return {domain.type, {}};
    case ColumnId::devices:
      return {joined(domain.devices), {.tone = Tone::faint}};
  }
  return {};
}

std::vector<const Domain*> arrange(const std::vector<Domain>& domains, SortOrder order,
                                   std::string_view filter) {
  std::vector<std::pair<SortKey, const Domain*>> keyed;
  for (const Domain& domain : domains) {
    if (matches(domain, filter)) keyed.emplace_back(sort_key(domain, order.column), &domain);
  }
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    if (const int by_key = compare(a.first, b.first, order.descending); by_key != 0) return by_key < 0;
    const bool backwards = order.column == ColumnId::domain && order.descending;
    return backwards ? label_before(b.second->label, a.second->label)
                     : label_before(a.second->label, b.second->label);
  });
  std::vector<const Domain*> out;
  out.reserve(keyed.size());
  for (const auto& [key, domain] : keyed) out.push_back(domain);
  return out;
}

bool matches(const Domain& domain, std::string_view filter) {
  if (filter.empty()) return true;
  return contains_words(domain.label + " " + domain.type + " " + joined(domain.devices) + " " +
                            joined(domain.drivers) + " " + domain.confidence.state + " " + holding(domain),
                        filter);
}

bool contains_words(std::string_view text, std::string_view filter) {
  const std::string where = lower(text), words = lower(filter);
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t end = std::min(words.find(' ', at), words.size());
    if (where.find(words.substr(at, end - at)) == std::string::npos) return false;
    at = end + 1;
  }
  return true;
}

std::vector<Column> columns_that_fit(int width, ColumnId wanted) {
  std::vector<Column> by_rank = columns();
  std::stable_sort(by_rank.begin(), by_rank.end(), [wanted](const Column& a, const Column& b) {
    const auto rank = [wanted](const Column& each) { return each.id == wanted ? 0 : each.rank; };
    return rank(a) < rank(b);
  });
  std::vector<Column> chosen;
  int used = -1;  // no gap before the first
  for (const Column& each : by_rank) {
    if (!chosen.empty() && used + 1 + each.width > width) break;
    used += 1 + each.width;
    chosen.push_back(each);
  }
  std::sort(chosen.begin(), chosen.end(), [](const Column& a, const Column& b) { return a.id < b.id; });
  // The remaining width is divided equally among the stretching columns.
  auto stretching = std::count_if(chosen.begin(), chosen.end(), [](const Column& c) { return c.stretches; });
  for (Column& each : chosen) {
    if (!each.stretches) continue;
    const int more = (width - used) / static_cast<int>(stretching--);
    each.width += more;
    used += more;
  }
  return chosen;
}

Style confidence_style(std::string_view state) {
  const int level = doubt(state);
  return {.tone = level < 2 ? Tone::good : level == 2 ? Tone::warning : Tone::bad};
}

Style ratio_style(const Figure& ratio) {
  if (!ratio || *ratio < 0.7) return {};
  return {.tone = *ratio < 0.95 ? Tone::warning : Tone::bad};
}

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ",") + text;
  return out;
}

}  // namespace rcached::top
