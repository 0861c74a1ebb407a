// SPDX-License-Identifier: Apache-2.0
// Layouts as in the kernels' BTF, written with libbpf, and layouts that rcached must reject.
#include "daemon/host/kernel_layout.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "daemon/host/kernel_types.h"

namespace rcached {
namespace {

// What differs between generations; the defaults are 6.1.
struct Shape {
  unsigned magazine_capacity = 127;
  bool size_in_union = false;  // since 6.7
  bool depot_is_list = false;  // since 6.7
  unsigned depot_capacity = 32;
  bool rcaches_embedded = false;  // <= 5.17
  unsigned orders = 6;
  bool flush_queue_in_iova = false;  // <= 5.16
  bool cpuhp_dead = true;            // since 5.13
  std::string leave_out = {};        // one struct or member to omit
};

class KernelLayoutTest : public testing::Test {
 protected:
  KernelLayoutTest() : btf_(btf__new_empty(), &btf__free) {}

  Expected<KernelLayout> layout(const Shape& shape) {
    btf_.reset(btf__new_empty());
    const int word = btf__add_int(btf_.get(), "long unsigned int", 8, 0);
    const int pointer = btf__add_ptr(btf_.get(), word);
    const auto array = [&](int type, unsigned length) {
      return btf__add_array(btf_.get(), word, type, length);
    };
    const int pfns = array(word, shape.magazine_capacity);
    const int rows = array(pointer, shape.depot_capacity);
    const int embedded = array(word, shape.orders);
    int magazine_union = 0;
    if (shape.size_in_union) {
      magazine_union = btf__add_union(btf_.get(), nullptr, 8);
      btf__add_field(btf_.get(), "size", word, 0, 0);
      btf__add_field(btf_.get(), "next", pointer, 0, 0);
    }
    const auto structure = [&](const std::string& name, const std::function<void()>& members) {
      if (name == shape.leave_out) return;
      btf__add_struct(btf_.get(), name.c_str(), 64);
      members();
    };
    unsigned offset = 0;
    const auto member = [&](const std::string& name, int type) {
      if (name.empty() || name != shape.leave_out)
        btf__add_field(btf_.get(), name.c_str(), type, offset += 64, 0);
    };
    structure("iova_magazine", [&] {
      member(shape.size_in_union ? "" : "size", shape.size_in_union ? magazine_union : word);
      member("pfns", pfns);
    });
    structure("iova_cpu_rcache", [&] {
      member("loaded", pointer);
      member("prev", pointer);
    });
    structure("iova_rcache", [&] {
      member("depot_size", word);
      member("depot", shape.depot_is_list ? pointer : rows);
      member("cpu_rcaches", pointer);
    });
    structure("bpf_prog_stats", [&] {
      member("cnt", word);
      if (!shape.flush_queue_in_iova) member("misses", word);
    });
    structure("iova_domain", [&] {
      member("rcaches", shape.rcaches_embedded ? embedded : pointer);
      if (shape.flush_queue_in_iova) member("fq_timer", word);
      if (shape.cpuhp_dead) member("cpuhp_dead", word);
    });
    return read_kernel_layout(btf_.get());
  }

  std::unique_ptr<::btf, decltype(&btf__free)> btf_;
};

TEST_F(KernelLayoutTest, Kernel510) {
  const auto found = layout(
      {.magazine_capacity = 128, .rcaches_embedded = true, .flush_queue_in_iova = true, .cpuhp_dead = false});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->profile.magazine_capacity, 128u);
  EXPECT_EQ(found->profile.depot, DepotKind::bounded);
  EXPECT_EQ(found->profile.depot_capacity, 32u);
  EXPECT_FALSE(found->profile.alloc_rounds_size);
  EXPECT_FALSE(found->profile.flush_empties_depot);
  EXPECT_TRUE(found->rcaches_embedded);
  EXPECT_TRUE(found->flush_queue_in_iova);
  EXPECT_FALSE(found->skips_nested_programs);
}

TEST_F(KernelLayoutTest, Kernel61) {
  const auto found = layout({});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->profile.magazine_capacity, 127u);
  EXPECT_EQ(found->profile.depot, DepotKind::bounded);
  EXPECT_TRUE(found->profile.alloc_rounds_size);
  EXPECT_TRUE(found->profile.flush_empties_depot);
  EXPECT_FALSE(found->rcaches_embedded);
  EXPECT_FALSE(found->flush_queue_in_iova);
  EXPECT_TRUE(found->skips_nested_programs);
}

TEST_F(KernelLayoutTest, Kernel612) {
  const auto found = layout({.size_in_union = true, .depot_is_list = true});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->profile.magazine_capacity, 127u);
  EXPECT_EQ(found->profile.depot, DepotKind::unbounded);
  EXPECT_EQ(found->profile.depot_capacity, 0u);
}

TEST_F(KernelLayoutTest, AcceptsVendorSizes) {
  const auto found = layout({.magazine_capacity = 1023, .depot_capacity = 64});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->profile.magazine_capacity, 1023u);
  EXPECT_EQ(found->profile.depot_capacity, 64u);
}

TEST_F(KernelLayoutTest, AStructInsideItselfHasNoSuchMember) {
  btf_.reset(btf__new_empty());
  const int itself = btf__add_struct(btf_.get(), "iova_magazine", 64);
  btf__add_field(btf_.get(), nullptr, itself, 0, 0);
  for (const char* name : {"iova_rcache", "iova_domain", "iova_cpu_rcache"})
    btf__add_struct(btf_.get(), name, 64);
  const auto found = read_kernel_layout(btf_.get());
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().message.find("iova_magazine.pfns"), std::string::npos) << found.error().message;
}

TEST_F(KernelLayoutTest, RejectsAMagazineOfGigabytes) {
  btf_.reset(btf__new_empty());
  const int word = btf__add_int(btf_.get(), "long unsigned int", 8, 0);
  const int pfns = btf__add_array(btf_.get(), word, word, 127);
  btf__add_struct(btf_.get(), "iova_magazine", 0xffffffff);
  btf__add_field(btf_.get(), "pfns", pfns, 0, 0);
  for (const char* name : {"iova_rcache", "iova_domain", "iova_cpu_rcache"})
    btf__add_struct(btf_.get(), name, 64);
  const auto found = read_kernel_layout(btf_.get());
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().message.find("iova_magazine has 4294967295 bytes"), std::string::npos)
      << found.error().message;
}

TEST_F(KernelLayoutTest, SkipsAMemberWithAnInvalidName) {
  ASSERT_TRUE(layout({}));
  const int id = btf__find_by_name_kind(btf_.get(), "iova_magazine", BTF_KIND_STRUCT);
  // Patched in place: since libbpf 1.3, btf__new() rejects such BTF.
  auto* magazine = const_cast<btf_type*>(btf__type_by_id(btf_.get(), static_cast<unsigned>(id)));
  btf_members(magazine)[0].name_off = 1u << 20;  // the first is `size`
  const auto found = read_kernel_layout(btf_.get());
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().message.find("iova_magazine.size is missing"), std::string::npos)
      << found.error().message;
}

struct Unknown {
  Shape shape;
  std::string names;  // what the message must contain
};
class UnknownLayout : public KernelLayoutTest, public testing::WithParamInterface<Unknown> {};

TEST_P(UnknownLayout, IsRefusedByName) {
  const auto found = layout(GetParam().shape);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::unknown_layout);
  EXPECT_NE(found.error().message.find(GetParam().names), std::string::npos) << found.error().message;
  EXPECT_FALSE(found.error().hint.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, UnknownLayout,
    testing::Values(Unknown{{.leave_out = "iova_magazine"}, "struct iova_magazine is missing"},
                    Unknown{{.leave_out = "iova_rcache"}, "struct iova_rcache is missing"},
                    Unknown{{.leave_out = "iova_domain"}, "struct iova_domain is missing"},
                    Unknown{{.leave_out = "iova_cpu_rcache"}, "struct iova_cpu_rcache is missing"},
                    Unknown{{.leave_out = "pfns"}, "iova_magazine.pfns"},
                    Unknown{{.leave_out = "size"}, "iova_magazine.size"},
                    Unknown{{.leave_out = "depot"}, "iova_rcache.depot is missing"},
                    Unknown{{.leave_out = "depot_size"}, "iova_rcache.depot_size"},
                    Unknown{{.leave_out = "cpu_rcaches"}, "iova_rcache.cpu_rcaches"},
                    Unknown{{.leave_out = "prev"}, "loaded and prev"},
                    Unknown{{.leave_out = "rcaches"}, "iova_domain.rcaches"},
                    Unknown{{.magazine_capacity = 0}, "iova_magazine.pfns has 0 elements"},
                    Unknown{{.magazine_capacity = 1u << 20}, "elements"},
                    Unknown{{.rcaches_embedded = true, .orders = 9}, "9 orders, not 6"}));

TEST(RunningKernelLayout, IsSupportedOrReportsWhyNot) {
  const auto found = KernelTypes::load().and_then([](const KernelTypes& types) { return types.layout(); });
  if (found) {
    EXPECT_GT(found->profile.magazine_capacity, 0u);
  } else {
    EXPECT_TRUE(found.error().code == ErrorCode::no_btf || found.error().code == ErrorCode::unknown_layout);
  }
}

}  // namespace
}  // namespace rcached
