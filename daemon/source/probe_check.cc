// SPDX-License-Identifier: Apache-2.0
#include "daemon/source/probe_check.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/core.h>

#include <cerrno>
#include <cstring>

#include "bpf/probe_check.skel.h"

namespace rcached {
namespace {

tl::unexpected<Error> refused(int error, std::string_view doing) {
  return fail(ErrorCode::attach,
              fmt::format("cannot {} the programs of the probe check ({})", doing, std::strerror(error)),
              "set the log level to debug for the messages of libbpf");
}

}  // namespace

Expected<std::unique_ptr<ProbeCheck>> ProbeCheck::attach(const Kinds& kinds) {
  ::probe_check_bpf* skeleton = probe_check_bpf::open(nullptr);
  if (skeleton == nullptr) return refused(errno, "open");
  std::unique_ptr<ProbeCheck> test(new ProbeCheck(skeleton));
  // The test run is one of the fentry program, so that one is always loaded.
  bpf_program__set_autoload(skeleton->progs.check_kprobe, kinds.kprobe);
  if (const int error = probe_check_bpf::load(skeleton); error != 0) return refused(-error, "load");
  if (kinds.fentry) {
    test->fentry_ = bpf_program__attach(skeleton->progs.check_fentry);
    if (test->fentry_ == nullptr) return refused(errno, "attach");
  }
  if (kinds.kprobe) {
    test->kprobe_ = bpf_program__attach_kprobe(skeleton->progs.check_kprobe, false, "bpf_fentry_test1");
    if (test->kprobe_ == nullptr) return refused(errno, "attach");
  }
  if (const int error = test->make_kernel_call(); error != 0) return refused(-error, "run");
  return test;
}

int ProbeCheck::make_kernel_call() const {
  bpf_test_run_opts options{};
  options.sz = sizeof(options);
  return bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.check_fentry), &options);
}

ProbeCheck::~ProbeCheck() {
  bpf_link__destroy(kprobe_);
  bpf_link__destroy(fentry_);
  probe_check_bpf::destroy(skeleton_);
}

std::vector<int> ProbeCheck::links() const {
  std::vector<int> result;
  if (fentry_ != nullptr) result.push_back(bpf_link__fd(fentry_));
  if (kprobe_ != nullptr) result.push_back(bpf_link__fd(kprobe_));
  return result;
}

Expected<std::optional<TracingFault>> ProbeCheck::run() {
  const auto runs = [this] {
    const auto* counters = static_cast<const volatile probe_check_bpf::probe_check_bpf__bss*>(skeleton_->bss);
    return std::pair<std::uint64_t, std::uint64_t>(counters->fentry_runs, counters->kprobe_runs);
  };
  const auto before = runs();
  if (const int error = make_kernel_call(); error != 0) return refused(-error, "run");
  const auto after = runs();
  const bool fentry_ran = fentry_ == nullptr || after.first != before.first;
  const bool kprobe_ran = kprobe_ == nullptr || after.second != before.second;
  if (fentry_ran && kprobe_ran) return std::nullopt;
  return find_disabled(read_tracing_switches(), !kprobe_ran).value_or(unexplained_silence());
}

}  // namespace rcached
