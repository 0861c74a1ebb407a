// SPDX-License-Identifier: Apache-2.0
// One picture: all answers that a screen needs, of one snapshot. They come from a daemon over HTTP
// (DaemonSource) or from a View of this process (ViewPictures).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "exporters/top/model.h"
#include "view/view.h"

namespace rcached::top {

struct TopPicture {
  // Answers as a daemon sent them, which may have members that this version does not know.
  struct Bodies {
    std::string domains, status, notes;
    std::optional<std::string> domain;
  };

  TopData data;
  std::optional<Bodies> bodies;
};

class PictureSource {
 public:
  virtual ~PictureSource() = default;
  // With the domain `label` and its history when it is not empty; a domain that has gone is no error,
  // data.detail is then empty. May block; one thread at a time.
  virtual Expected<TopPicture> picture(const std::string& label) = 0;
  // Any thread: makes a picture() in progress return soon, with any result.
  virtual void cancel() = 0;
};

// Of a View, without JSON.
class ViewPictures final : public PictureSource {
 public:
  explicit ViewPictures(std::shared_ptr<const ViewSource> source) : source_(std::move(source)) {}

  // The same picture as long as view and label stay the same. Error: not_ready before the first View.
  Expected<TopPicture> picture(const std::string& label) override;
  void cancel() override {}

 private:
  std::shared_ptr<const ViewSource> source_;
  std::shared_ptr<const View> view_;  // of picture_
  std::string label_;                 // the same
  TopPicture picture_;
};

using Fetched = Expected<std::string>;

// Where bodies of the API come from.
class JsonSource {
 public:
  virtual ~JsonSource() = default;
  // The body of the answer to GET `path` ("/api/v1/domains"). May block; one thread at a time.
  virtual Fetched get(const std::string& path) = 0;
  // Any thread: makes a get() in progress return soon, with any result.
  virtual void cancel() = 0;
};

// What a daemon answers. Answers of different snapshots are fetched again, a few times.
class DaemonSource final : public PictureSource {
 public:
  explicit DaemonSource(std::shared_ptr<JsonSource> source) : source_(std::move(source)) {}

  Expected<TopPicture> picture(const std::string& label) override;
  void cancel() override { source_->cancel(); }

 private:
  std::shared_ptr<JsonSource> source_;
};

// The body when the status is 200, else what the status means. `where` is for messages:
// "http://127.0.0.1:9731".
Fetched judge_answer(int status, std::string body, const std::string& where);

// A domain's label as one segment of a path.
std::string percent_encode(std::string_view label);

// {"domains":...,"status":...,"notes":...} and "domain" when there is one, on one line, in ASCII.
std::string json_line(const TopPicture& picture);

}  // namespace rcached::top
