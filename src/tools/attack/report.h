#pragma once
/// What an attack came to, as text and as JSON.

#include <string>

#include "tools/attack/kind.h"

namespace serried::tools {

struct AttackSummary {
  double seconds = 0;
  AttackTally tally;
  std::uint64_t samples = 0;  ///< datagrams overheard

  [[nodiscard]] std::uint64_t datagrams() const noexcept;
  /// Bytes answered for each byte sent, of UDP payload: of the kind where it is largest.
  [[nodiscard]] double amplification() const noexcept;
};

/// Bytes answered for each byte sent; 0 when nothing was answered.
[[nodiscard]] double amplification(const AttackTally::Of& kind) noexcept;

[[nodiscard]] std::string attack_table(const AttackSummary& summary);
[[nodiscard]] std::string attack_line(const AttackSummary& summary, double datagrams_per_s);
[[nodiscard]] std::string attack_json(const AttackSummary& summary);

}  // namespace serried::tools
