#pragma once
/// A probe for the io lane (io/stage.h) that reads the CPU's time stamps before and after each stage: some 10 ns a
/// burst and stage, which are inside. The rows of the report come from a lane without it; this one says where the time
/// goes.

#include <array>

#include <rte_cycles.h>

#include "io/stage.h"

namespace serried::bench {

class StageCycles {
 public:
  using ByStage = std::array<std::uint64_t, io::stage_count>;

  class Watched {
   public:
    explicit Watched(std::uint64_t& sum) noexcept : sum_(sum) {}
    ~Watched() { sum_ += rte_rdtsc() - from_; }
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;

   private:
    std::uint64_t& sum_;
    const std::uint64_t from_ = rte_rdtsc();
  };
  [[nodiscard]] Watched watch(io::Stage stage) noexcept { return Watched{sums_[static_cast<std::size_t>(stage)]}; }

  /// Time stamps spent in each stage since the beginning.
  [[nodiscard]] const ByStage& sums() const noexcept { return sums_; }

 private:
  ByStage sums_{};
};
static_assert(io::StageProbe<StageCycles>);

}  // namespace serried::bench
