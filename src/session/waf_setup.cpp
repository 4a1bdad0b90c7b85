#include "session/waf.h"

#include "base/setup.h"

namespace serried::session {
namespace {

constexpr std::size_t raised_max = 64;

RateLimit twice_at_once(std::uint32_t per_second) noexcept { return RateLimit::of(per_second, 2 * per_second); }

}  // namespace

SERRIED_SETUP Waf::Waf(const WafConfig& config, std::uint64_t salt)
    : operator_bans(config.bans_max, base::mix(salt, 1)),
      score_bans(config.bans_max, base::mix(salt, 2)),
      config_(config),
      hash_{base::mix(salt, 3)},
      connects_{twice_at_once(config.address_per_s), twice_at_once(config.prefix_per_s)},
      foreigners_{RateLimit::of(config.foreign_address_per_s, ForeignBudget::burst),
                  RateLimit::of(config.foreign_prefix_per_s, 2 * ForeignBudget::burst)},
      buckets_(config.buckets),
      scores_(config.scores, config.half_life),
      raised_(raised_max),
      random_(base::mix(salt, 4)) {}

}  // namespace serried::session
