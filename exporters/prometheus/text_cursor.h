// SPDX-License-Identifier: Apache-2.0
// TextCursor: writes a text of many megabytes into a string that is used again and again, without what
// std::string does at every append: it writes over what is there and looks at the room once a line.
// Piece: a text that is copied very often. Not thread-safe.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace rcached {

// Its text is followed by so many bytes that a fixed-size copy of a short one reads nothing foreign: copying
// 64 bytes takes four instructions, copying 49 takes a call.
class Piece {
 public:
  static constexpr std::size_t kFixed = 64;

  Piece() : Piece(std::string()) {}
  explicit Piece(std::string text) : size_(text.size()), padded_(std::move(text)) {
    padded_.append(kFixed, '\0');
  }

  const char* data() const { return padded_.data(); }
  std::size_t size() const { return size_; }
  std::string_view view() const { return {padded_.data(), size_}; }

 private:
  std::size_t size_;
  std::string padded_;
};

class TextCursor {
 public:
  // Writes over `out` from its beginning. `out` holds garbage until finish() is called. It is at once made as
  // large as `expected`, where it is smaller.
  TextCursor(std::string& out, std::size_t expected) : out_(out) {
    if (out_.capacity() < expected + kSlack) std::string().swap(out_);  // else both exist for a moment
    if (out_.size() < expected + kSlack) out_.resize(expected + kSlack);
    place(0);
  }

  // At least so many bytes may now be put().
  void room(std::size_t bytes) {
    if (static_cast<std::size_t>(end_ - at_) < bytes + kSlack) grow(bytes + kSlack);
  }

  void put(const Piece& piece) {
    if (piece.size() <= Piece::kFixed) {
      std::memcpy(at_, piece.data(), Piece::kFixed);
    } else {
      std::memcpy(at_, piece.data(), piece.size());
    }
    at_ += piece.size();
  }
  void put(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void put(char c) { *at_++ = c; }
  // A number takes at most 24 bytes.
  void put_number(std::uint64_t value) { at_ = std::to_chars(at_, at_ + 24, value).ptr; }
  void put_number(std::int64_t value) { at_ = std::to_chars(at_, at_ + 24, value).ptr; }
  void put_number(double value) {
    if (std::isfinite(value)) {
      at_ = std::to_chars(at_, at_ + 24, value).ptr;
    } else {
      put(std::isnan(value) ? std::string_view("NaN") : std::string_view(value > 0 ? "+Inf" : "-Inf"));
    }
  }

  // The string is what was put, and nothing else.
  void finish() { out_.resize(static_cast<std::size_t>(at_ - out_.data())); }

 private:
  static constexpr std::size_t kSlack = Piece::kFixed;  // a fixed-size copy may write beyond its text

  void place(std::size_t used) {
    at_ = out_.data() + used;
    end_ = out_.data() + out_.size();
  }
  void grow(std::size_t bytes) {
    const auto used = static_cast<std::size_t>(at_ - out_.data());
    out_.resize(used + std::max(bytes, used / 8));
    place(used);
  }

  std::string& out_;
  char* at_ = nullptr;
  char* end_ = nullptr;
};

}  // namespace rcached
