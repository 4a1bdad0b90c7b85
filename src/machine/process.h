#pragma once
/// What this process may do, by what the kernel shows of it below /proc/self: of the one that looks, so a service is
/// looked at as its user.

#include <cstdint>
#include <optional>
#include <vector>

#include "machine/view.h"

namespace serried::machine {

inline constexpr std::uint64_t unlimited = ~std::uint64_t{0};

struct Rights {
  unsigned user = 0;  ///< effective
  std::vector<unsigned> groups;
  std::uint64_t capabilities = 0;  ///< effective, by their bits; see capabilities(7)

  [[nodiscard]] bool has(unsigned capability) const noexcept { return (capabilities >> capability & 1) != 0; }
  /// Whether a file of this owner may be read and written.
  [[nodiscard]] bool may_use(const Access& access) const noexcept;
};

/// None: /proc does not show it.
[[nodiscard]] std::optional<Rights> rights(const View& view);

/// The soft limit of that name in /proc/self/limits ("Max locked memory"); `unlimited` where there is none. No value:
/// /proc does not show it.
[[nodiscard]] std::optional<std::uint64_t> limit(const View& view, std::string_view name);

/// Whether any process has this name (/proc/PID/comm).
[[nodiscard]] bool is_running(const View& view, std::string_view name);

/// "6.1.0-13-amd64" as {6, 1}; zeros where it does not say.
struct KernelVersion {
  unsigned major = 0, minor = 0;
  [[nodiscard]] auto operator<=>(const KernelVersion&) const = default;
};
[[nodiscard]] KernelVersion kernel_version(const View& view);

}  // namespace serried::machine
