// SPDX-License-Identifier: Apache-2.0
#include "daemon/command/outputs.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "tests/kit/sample_view.h"
#include "tests/kit/temporary_folder.h"
#include "tests/kit/waiting.h"
#include "view/view_slot.h"

namespace rcached {
namespace {

using namespace std::chrono_literals;

class OneView final : public ViewSource {
 public:
  OneView() { slot_.publish(std::make_shared<const View>()); }
  std::shared_ptr<const View> view() const override { return slot_.view(); }
  std::shared_ptr<const View> wait_for_newer(const std::shared_ptr<const View>& seen,
                                             std::chrono::milliseconds limit) const override {
    return slot_.wait_for_newer(seen, limit);
  }

 private:
  ViewSlot slot_;
};

// Records on destruction whether the textfile still exists.
class ExistsAtDestruction final : public prometheus::Collectable {
 public:
  ExistsAtDestruction(std::string textfile, bool& there) : textfile_(std::move(textfile)), there_(there) {}
  ~ExistsAtDestruction() override { there_ = std::filesystem::exists(textfile_); }
  std::vector<prometheus::MetricFamily> Collect() const override { return {}; }

 private:
  const std::string textfile_;
  bool& there_;
};

class OutputsTest : public ::testing::Test {
 protected:
  OutputsTest() {
    config_.http.listen = address();
    config_.textfile.path = directory_ + "/rcached.prom";
  }

  // The address of a socket that was bound to a free port; it listens when `taken`.
  std::string address(bool taken = false) {
    holder_ = UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof place;
    EXPECT_EQ(bind(holder_.get(), reinterpret_cast<sockaddr*>(&place), size), 0);
    getsockname(holder_.get(), reinterpret_cast<sockaddr*>(&place), &size);
    if (taken) {
      EXPECT_EQ(listen(holder_.get(), 1), 0);
    } else {
      holder_.reset();
    }
    return "127.0.0.1:" + std::to_string(ntohs(place.sin_port));
  }

  rcached::testing::TemporaryFolder folder_;
  const std::string directory_ = folder_.path().string();
  UniqueFd holder_;
  Config config_;
};

TEST_F(OutputsTest, APortInUseIsFoundBeforeAnythingStarts) {
  config_.http.listen = address(true);
  const auto refused = prepare_outputs(config_, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::port_taken);
  const auto handed_over = prepare_outputs(config_, {holder_.get()});
  ASSERT_TRUE(handed_over) << "http.listen is not used";
  EXPECT_FALSE(handed_over->bound.valid());
}

TEST_F(OutputsTest, KeepsThePortAfterPreparation) {
  auto prepared = prepare_outputs(config_, {});
  ASSERT_TRUE(prepared) << prepared.error().message;
  Outputs outputs(config_, std::move(*prepared), std::make_shared<OneView>(), {});
  outputs.stop();  // no effect before start()
  ASSERT_TRUE(outputs.start());
  EXPECT_EQ(outputs.url(), "http://" + config_.http.listen + "/");
  outputs.stop();
  outputs.stop();
  EXPECT_TRUE(prepare_outputs(config_, {})) << "the port is free again";
}

TEST_F(OutputsTest, StopsBeforeItsPartsAreDestroyed) {
  bool there = true;
  {
    auto prepared = prepare_outputs(config_, {});
    ASSERT_TRUE(prepared) << prepared.error().message;
    Outputs outputs(config_, std::move(*prepared), std::make_shared<OneView>(),
                    {std::make_shared<ExistsAtDestruction>(config_.textfile.path, there)});
    ASSERT_TRUE(outputs.start());
    ASSERT_TRUE(testing::eventually([&] { return std::filesystem::exists(config_.textfile.path); }));
  }
  EXPECT_FALSE(there) << "the page was destroyed while the textfile was still in use";
}

// Reloaded settings affect /metrics and the textfile.
TEST_F(OutputsTest, SeriesSettingsCanBeChangedAtRunTime) {
  config_.metrics.per_cpu = true;
  config_.textfile.interval = 1ms;
  auto prepared = prepare_outputs(config_, {});
  ASSERT_TRUE(prepared) << prepared.error().message;
  const auto source = std::make_shared<testing::SettableSource>(testing::sample_view(kProfile61));
  Outputs outputs(config_, std::move(*prepared), source, {});
  ASSERT_TRUE(outputs.start());
  const auto file_has = [&](const std::string& series, bool wanted) {
    return testing::eventually([&] {
      std::ifstream file(config_.textfile.path);
      const std::string text{std::istreambuf_iterator<char>(file), {}};
      return !text.empty() && (text.find("\n" + series) != std::string::npos) == wanted;
    });
  };
  EXPECT_TRUE(file_has("iova_rcache_cpu_ranges{", true));
  EXPECT_TRUE(file_has("rcached_series_limit 50000\n", true));
  EXPECT_TRUE(file_has("iova_rcache_magazine_ranges{", false));
  config_.metrics.per_cpu = false;
  config_.metrics.per_magazine = true;
  config_.metrics.series_limit = 7777;
  outputs.tune(config_);
  EXPECT_TRUE(file_has("rcached_series_limit 7777\n", true));
  EXPECT_TRUE(file_has("iova_rcache_cpu_ranges{", false));
  EXPECT_TRUE(file_has("iova_rcache_magazine_ranges{", true));
}

}  // namespace
}  // namespace rcached
