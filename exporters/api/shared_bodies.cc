// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/shared_bodies.h"

#include <fmt/format.h>

#include <utility>

#include "base/monotonic_clock.h"
#include "exporters/api/answers.h"
#include "exporters/api/json.h"

namespace rcached::api {

ViewBodies::ViewBodies(std::shared_ptr<const View> view, std::uint64_t number)
    : view_(std::move(view)), number_(number), named_(named_domains(*view_)), each_domain_(named_.size()) {}

template <class Render>
ViewBodies::Body ViewBodies::rendered(Lazy& lazy, Render render) {
  std::call_once(lazy.once, [&] { lazy.body = std::make_shared<const std::string>(render()); });
  return lazy.body;
}

ViewBodies::Body ViewBodies::domains() const {
  return rendered(domains_, [&] { return to_json(domains_answer(*view_, named_, monotonic_now_ns())); });
}

ViewBodies::Body ViewBodies::status() const {
  return rendered(status_, [&] { return to_json(status_answer(*view_, read_process_figures())); });
}

ViewBodies::Body ViewBodies::notes() const {
  return rendered(notes_, [&] { return to_json(notes_answer(*view_)); });
}

ViewBodies::Body ViewBodies::domain(const NamedDomain& domain) const {
  Lazy& lazy = each_domain_[static_cast<std::size_t>(&domain - named_.data())];
  return rendered(lazy, [&] { return to_json(domain_answer(*view_, domain, monotonic_now_ns())); });
}

ViewBodies::Body ViewBodies::snapshot_event() const {
  return rendered(snapshot_event_, [&] {
    // A Snapshot, built from the rendered bodies.
    return fmt::format("id: {}\nevent: snapshot\ndata: {{\"domains\":{},\"status\":{},\"notes\":{}}}\n\n",
                       number_, *domains(), *status(), *notes());
  });
}

std::shared_ptr<const ViewBodies> SharedBodies::current() {
  const std::lock_guard lock(mutex_);
  // Read under the lock, so that a newer View never gets a lower number.
  std::shared_ptr<const View> view = source_->view();
  if (view == nullptr) return nullptr;
  if (current_ == nullptr || current_->view() != view) {
    current_ = std::make_shared<const ViewBodies>(std::move(view), ++number_);
  }
  return current_;
}

std::shared_ptr<const ViewBodies> SharedBodies::wait_for_newer(const std::shared_ptr<const ViewBodies>& seen,
                                                               std::chrono::milliseconds limit) {
  source_->wait_for_newer(seen ? seen->view() : nullptr, limit);
  return current();
}

}  // namespace rcached::api
