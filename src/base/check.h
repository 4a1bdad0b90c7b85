#pragma once
/// Checks for bugs, never for data: what comes off the wire, from a file or a user is handled, not asserted on.

namespace serried::base {

[[noreturn]] void check_failed(const char* what, const char* file, int line) noexcept;

}  // namespace serried::base

/// On in every build: once per burst or rarer.
#define SERRIED_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::serried::base::check_failed(#condition, __FILE__, __LINE__))

/// Debug builds only: may stand in a loop over rows.
#ifdef NDEBUG
#define SERRIED_DCHECK(condition) static_cast<void>(0)
#else
#define SERRIED_DCHECK(condition) SERRIED_CHECK(condition)
#endif
