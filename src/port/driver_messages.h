#pragma once
/// What libbpf and libxdp, which stand below net_af_xdp, have to say. By themselves they write to standard error,
/// mostly about what this kernel lacks and they do without. Here their lines are kept: a program logs them, and shows
/// them where a port does not open.

#include <string>
#include <vector>

namespace serried::port {

/// Lines kept at most; the oldest go first.
inline constexpr std::size_t driver_messages_max = 64;

/// From here on both libraries are silent on standard error. start_eal calls it; libxdp is there only after EAL has
/// loaded its plugins.
void keep_driver_messages();

/// The lines since the last call, oldest first, each with its library's name ("libxdp: ..."). Any thread may ask.
[[nodiscard]] std::vector<std::string> take_driver_messages();

}  // namespace serried::port
