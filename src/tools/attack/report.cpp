#include "tools/attack/report.h"

#include <algorithm>

#include "base/json.h"
#include "base/text.h"

namespace serried::tools {

namespace {

auto number(std::uint64_t value) { return static_cast<unsigned long long>(value); }

double per_second(std::uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

}  // namespace

double amplification(const AttackTally::Of& kind) noexcept {
  if (kind.answer_bytes == 0) return 0;
  return static_cast<double>(kind.answer_bytes) / static_cast<double>(std::max<std::uint64_t>(kind.bytes, 1));
}

std::uint64_t AttackSummary::datagrams() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& kind : tally.of) sum += kind.datagrams;
  return sum;
}

double AttackSummary::amplification() const noexcept {
  double most = 0;
  for (const auto& kind : tally.of) most = std::max(most, tools::amplification(kind));
  return most;
}

std::string attack_table(const AttackSummary& s) {
  std::string text = base::formatted("%-16s %12s %12s %10s %12s %13s\n", "kind", "sent", "a second", "answers",
                                     "bytes back", "amplification");
  for (std::size_t i = 0; i < attack_kinds; ++i) {
    const AttackTally::Of& kind = s.tally.of[i];
    if (kind.datagrams == 0 && kind.answers == 0) continue;
    text += base::formatted("%-16s %12llu %12.0f %10llu %12llu %13.4f\n",
                            std::string(kind_name(AttackKind{static_cast<std::uint8_t>(i)})).c_str(),
                            number(kind.datagrams), per_second(kind.datagrams, s.seconds), number(kind.answers),
                            number(kind.answer_bytes), amplification(kind));
  }
  text += base::formatted("%-16s %12llu %12.0f   in %.1f s; %llu refused by our own kernel, %llu overheard\n", "all",
                          number(s.datagrams()), per_second(s.datagrams(), s.seconds), s.seconds,
                          number(s.tally.refused), number(s.samples));
  return text;
}

std::string attack_line(const AttackSummary& s, double datagrams_per_s) {
  return base::formatted(
      "attack: %.0f a second, %llu sent, %llu refused by our own kernel, %llu overheard, amplification %.4f",
      datagrams_per_s, number(s.datagrams()), number(s.tally.refused), number(s.samples), s.amplification());
}

std::string attack_json(const AttackSummary& s) {
  base::Json root;
  root["seconds"] = s.seconds;
  root["datagrams"] = s.datagrams();
  root["datagrams_per_s"] = per_second(s.datagrams(), s.seconds);
  root["refused"] = s.tally.refused;
  root["overheard"] = s.samples;
  root["amplification"] = s.amplification();
  root["kinds"] = base::Json::object();
  for (std::size_t i = 0; i < attack_kinds; ++i) {
    const AttackTally::Of& kind = s.tally.of[i];
    if (kind.datagrams == 0 && kind.answers == 0) continue;
    root["kinds"][kind_name(AttackKind{static_cast<std::uint8_t>(i)})] = {
        {"datagrams", kind.datagrams},
        {"datagrams_per_s", per_second(kind.datagrams, s.seconds)},
        {"bytes", kind.bytes},
        {"answers", kind.answers},
        {"answer_bytes", kind.answer_bytes},
        {"amplification", amplification(kind)}};
  }
  return root.text(2) + '\n';
}

}  // namespace serried::tools
