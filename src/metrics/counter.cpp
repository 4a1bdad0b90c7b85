#include "metrics/counter.h"

#include <algorithm>

namespace serried::metrics {
namespace {

constexpr std::array<CounterInfo, counter_count> infos{{
#define SERRIED_COUNTER(owner, group, name, kind, unit, help) {#group, #name, #unit, help, CounterKind::kind},
#include "metrics/counter.def"
}};

}  // namespace

const CounterInfo& counter_info(CounterId id) noexcept { return infos[static_cast<std::size_t>(id)]; }

void CounterValues::merge(const CounterValues& other) noexcept {
  for (std::size_t i = 0; i < counter_count; ++i) {
    std::uint64_t& value = values_[i];
    value = infos[i].kind == CounterKind::maximum ? std::max(value, other.values_[i]) : value + other.values_[i];
  }
}

}  // namespace serried::metrics
