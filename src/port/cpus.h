#pragma once
/// On which CPUs the calling thread may run, whatever their numbers: the kernel's sets have no fixed size.

#include <vector>

namespace serried::port {

/// In the order of their numbers. Empty: the system does not say.
[[nodiscard]] std::vector<unsigned> allowed_cpus();

/// Let the calling thread run on these CPUs only. False: none of them may be used, or the system forbids to choose.
bool run_on(const std::vector<unsigned>& cpus) noexcept;

}  // namespace serried::port
