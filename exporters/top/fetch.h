// SPDX-License-Identifier: Apache-2.0
// A picture: all API responses that a screen needs, from one snapshot. They come from a daemon over HTTP
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
  // Responses as sent by a daemon, which may have members unknown to this version.
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
  // With the domain `label` and its history unless it is empty. If the domain does not exist, data.detail is
  // empty; this is not an error. May block; one thread at a time.
  virtual Expected<TopPicture> picture(const std::string& label) = 0;
  // Any thread: makes a picture() in progress return soon, with any result.
  virtual void cancel() = 0;
};

// Pictures of a View, without JSON.
class ViewPictures final : public PictureSource {
 public:
  explicit ViewPictures(std::shared_ptr<const ViewSource> source) : source_(std::move(source)) {}

  // The same picture as long as View and label are the same. Error: not_ready before the first View.
  Expected<TopPicture> picture(const std::string& label) override;
  void cancel() override {}

 private:
  std::shared_ptr<const ViewSource> source_;
  std::shared_ptr<const View> view_;  // of picture_
  std::string label_;                 // the same
  TopPicture picture_;
};

using Fetched = Expected<std::string>;

// Source of the API's bodies.
class JsonSource {
 public:
  virtual ~JsonSource() = default;
  // The body of the response to GET `path` ("/api/v1/domains"). May block; one thread at a time.
  virtual Fetched get(const std::string& path) = 0;
  // Any thread: makes a get() in progress return soon, with any result.
  virtual void cancel() = 0;
};

// Pictures of a daemon. Responses from different snapshots are fetched again, a few times.
class DaemonSource final : public PictureSource {
 public:
  explicit DaemonSource(std::shared_ptr<JsonSource> source) : source_(std::move(source)) {}

  Expected<TopPicture> picture(const std::string& label) override;
  void cancel() override { source_->cancel(); }

 private:
  std::shared_ptr<JsonSource> source_;
};

// The body if the status is 200, otherwise an error for the status. `where` names the server in messages:
// "http://127.0.0.1:9731".
Fetched judge_answer(int status, std::string body, const std::string& where);

// A domain's label as one segment of a path.
std::string percent_encode(std::string_view label);

// {"domains":...,"status":...,"notes":...} and "domain" if there is one, on one line, in ASCII.
std::string json_line(const TopPicture& picture);

}  // namespace rcached::top
