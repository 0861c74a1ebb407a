// SPDX-License-Identifier: Apache-2.0
// SharedList: a vector of values that copies of it share until one of them is written to (copy on write). Read
// through a const list: access through a mutable one copies elements that are shared.
//
// A const list may be read by any number of threads; copies in several threads may share elements.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace rcached {

template <typename T>
class SharedList {
  using Pointers = std::vector<std::shared_ptr<const T>>;

 public:
  class Iterator {
   public:
    using iterator_category = std::random_access_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = const T*;
    using reference = const T&;

    Iterator() = default;
    explicit Iterator(typename Pointers::const_iterator at) : at_(at) {}
    reference operator*() const { return **at_; }
    pointer operator->() const { return at_->get(); }
    reference operator[](difference_type n) const { return *at_[n]; }
    Iterator& operator++() { return ++at_, *this; }
    Iterator operator++(int) { return Iterator(at_++); }
    Iterator& operator--() { return --at_, *this; }
    Iterator operator--(int) { return Iterator(at_--); }
    Iterator& operator+=(difference_type n) { return at_ += n, *this; }
    Iterator& operator-=(difference_type n) { return at_ -= n, *this; }
    friend Iterator operator+(Iterator it, difference_type n) { return it += n; }
    friend Iterator operator+(difference_type n, Iterator it) { return it += n; }
    friend Iterator operator-(Iterator it, difference_type n) { return it -= n; }
    friend difference_type operator-(const Iterator& a, const Iterator& b) { return a.at_ - b.at_; }
    friend auto operator<=>(const Iterator& a, const Iterator& b) = default;

   private:
    friend class SharedList;
    typename Pointers::const_iterator at_{};
  };
  using value_type = T;
  using const_iterator = Iterator;

  SharedList() = default;
  explicit SharedList(Pointers values) : values_(std::move(values)) {}
  SharedList(std::initializer_list<T> values) {
    for (const T& value : values) push_back(value);
  }

  std::size_t size() const { return values_.size(); }
  bool empty() const { return values_.empty(); }
  Iterator begin() const { return Iterator(values_.begin()); }
  Iterator end() const { return Iterator(values_.end()); }
  const T& operator[](std::size_t i) const { return *values_[i]; }
  const T& at(std::size_t i) const { return *values_.at(i); }
  const T& front() const { return *values_.front(); }
  const T& back() const { return *values_.back(); }
  // The elements themselves.
  const Pointers& shared() const { return values_; }

  T& operator[](std::size_t i) { return own(values_[i]); }
  T& back() { return own(values_.back()); }
  T& emplace_back() { return push_back(T{}), back(); }
  void push_back(T value) { values_.push_back(std::make_shared<T>(std::move(value))); }
  void assign(std::size_t count, const T& value) { values_.assign(count, std::make_shared<T>(value)); }
  void pop_back() { values_.pop_back(); }
  void clear() { values_.clear(); }
  void erase(Iterator at) { values_.erase(at.at_); }
  void erase(Iterator first, Iterator last) { values_.erase(first.at_, last.at_); }

 private:
  // All elements were made as T, not as const T, and this list is the only one that has it then.
  static T& own(std::shared_ptr<const T>& value) {
    if (value.use_count() != 1) value = std::make_shared<T>(*value);
    return const_cast<T&>(*value);
  }

  Pointers values_;
};

}  // namespace rcached
