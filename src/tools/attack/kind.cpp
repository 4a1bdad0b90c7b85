#include "tools/attack/kind.h"

namespace serried::tools {

namespace {

constexpr std::array<std::string_view, attack_kinds> names = {
    "garbage",         "short",  "long",    "bad-crc", "connect", "connect-cookie",
    "unknown-session", "replay", "bad-tag", "spoofed", "ping",    "neighbor"};

}  // namespace

std::string_view kind_name(AttackKind kind) noexcept { return names[index_of(kind)]; }

Result<std::vector<AttackKind>> parse_kinds(std::string_view list) {
  std::vector<AttackKind> kinds;
  for (bool more = true; more;) {
    const std::size_t comma = list.find(',');
    const std::string_view name = list.substr(0, comma);
    more = comma != std::string_view::npos;
    list.remove_prefix(more ? comma + 1 : list.size());
    bool known = false;
    for (std::size_t i = 0; i < attack_kinds; ++i) {
      if (name != names[i] && name != "mixed") continue;
      kinds.push_back(static_cast<AttackKind>(i));
      known = true;
    }
    if (known) continue;
    std::string text = "'";
    text.append(name).append("' is no kind of datagram; there are mixed");
    for (const std::string_view each : names) text.append(", ").append(each);
    return Error{text};
  }
  return kinds;
}

}  // namespace serried::tools
