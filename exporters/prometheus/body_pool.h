// SPDX-License-Identifier: Apache-2.0
// BodyPool: the buffers that bodies are rendered into. A buffer comes back when the last answer that sends it
// is done, and is written over: with no answer under way the next rendering has the very same memory, and not
// 18 MB of fresh pages. Thread-safe; buffers may outlive the pool.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace rcached {

class BodyPool {
 public:
  BodyPool();

  // A body made by `fill`, which gets a string with whatever it held before.
  std::shared_ptr<const std::string> make(const std::function<void(std::string&)>& fill);

  // Buffers that exist, in use or idle.
  std::size_t buffers() const;
  // Of them, those that wait for the next make().
  std::size_t idle() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace rcached
