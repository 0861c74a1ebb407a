// SPDX-License-Identifier: Apache-2.0
// Bodies that depend only on the View: rendered once for all callers, on first use.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/api/answers.h"
#include "view/domain_names.h"
#include "view/view.h"

namespace rcached::api {

// The bodies of one View. Thread-safe; callers wait only for the rendering of the body that they request.
class ViewBodies {
 public:
  using Body = std::shared_ptr<const std::string>;

  ViewBodies(std::shared_ptr<const View> view, std::uint64_t number);

  const std::shared_ptr<const View>& view() const { return view_; }
  std::uint64_t number() const { return number_; }
  const std::vector<NamedDomain>& named() const { return named_; }
  const NamedDomain* find(std::string_view label) const { return find_domain(named_, label); }

  Body domains() const;
  Body status() const;
  Body notes() const;
  Body domain(const NamedDomain& domain) const;  // one of named()
  Body snapshot_event() const;                   // as text/event-stream

 private:
  struct Lazy {
    std::once_flag once;
    Body body;
  };
  template <class Render>
  static Body rendered(Lazy& lazy, Render render);

  std::shared_ptr<const View> view_;
  std::uint64_t number_;
  std::vector<NamedDomain> named_;
  mutable Lazy domains_;
  mutable Lazy status_;
  mutable Lazy notes_;
  mutable Lazy snapshot_event_;
  mutable std::vector<Lazy> each_domain_;  // in the order of named_
};

// The ViewBodies of the source's current View. Thread-safe.
class SharedBodies {
 public:
  explicit SharedBodies(std::shared_ptr<const ViewSource> source) : source_(std::move(source)) {}

  // Null before the first View. As long as the source returns the same View, all callers share one.
  std::shared_ptr<const ViewBodies> current();
  // Waits for a View other than that of `seen` (null: for any View), at most `limit`; then current().
  std::shared_ptr<const ViewBodies> wait_for_newer(const std::shared_ptr<const ViewBodies>& seen,
                                                   std::chrono::milliseconds limit);

 private:
  std::shared_ptr<const ViewSource> source_;
  std::mutex mutex_;
  std::uint64_t number_ = 0;  // of the View of current_
  std::shared_ptr<const ViewBodies> current_;
};

}  // namespace rcached::api
