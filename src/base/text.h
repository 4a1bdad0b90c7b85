#pragma once
/// Texts for people: reports, errors, files. Nothing that a lane calls.

#include <string>
#include <string_view>
#include <vector>

namespace serried::base {

/// As std::snprintf writes it, of any length. A pattern that it refuses gives an empty text.
[[gnu::format(printf, 1, 2)]] [[nodiscard]] std::string formatted(const char* pattern, ...);

/// The parts between separators, one more than there are of those.
[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);

}  // namespace serried::base
