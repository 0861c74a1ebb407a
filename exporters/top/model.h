// SPDX-License-Identifier: Apache-2.0
// The data that `rcached top` shows: API responses as values, with the names of the API.
#pragma once

#include <optional>

#include "exporters/api/detail_model.h"
#include "exporters/api/model.h"
#include "exporters/api/status_model.h"

namespace rcached::top {

// Individually, because some names also exist in the View.
using api::Audit;
using api::Count;
using api::CpuEvents;
using api::Cpus;
using api::Depot;
using api::Domain;
using api::DomainDetail;
using api::Domains;
using api::Durations;
using api::Figure;
using api::FlushQueue;
using api::Fullest;
using api::History;
using api::Known;
using api::kOrders;
using api::Level;
using api::Note;
using api::Notes;
using api::Order;
using api::Program;
using api::Rates;
using api::Status;
using api::Verdict;

// All responses that a screen needs.
struct TopData {
  Domains domains;
  Status status;
  Notes notes;
  std::optional<DomainDetail> detail;  // of the requested domain, while it exists
  std::optional<History> history;      // the same

  friend bool operator==(const TopData&, const TopData&) = default;
};

}  // namespace rcached::top
