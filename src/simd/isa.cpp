/// Where simd functions are chosen. The choice is one load, or two for SHA-256, made once a burst or block, so there is
/// no table of pointers to set up and no order of initialisation to get wrong.

#include "simd/isa.h"

#include <atomic>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace serried::simd {
namespace {

constexpr std::uint8_t undecided = 0xFF;
// The least of this architecture beyond scalar; what stands before it is another's.
#if defined(__aarch64__)
constexpr Isa own_first = Isa::arm;
#else
constexpr Isa own_first = Isa::sse42;
#endif
// Constant-initialised: another translation unit's constructor may already ask.
constinit std::atomic<std::uint8_t> chosen{undecided};
constinit std::atomic<bool> sha_present{
    false};  ///< stored before the choice; seen late, it costs time and nothing else

bool detect_sha() noexcept {
#if defined(__x86_64__)
  // Not __builtin_cpu_supports: some compilers do not know the name.
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
#elif defined(__aarch64__)
  return (getauxval(AT_HWCAP) & HWCAP_SHA2) != 0;
#else
  return false;
#endif
}

}  // namespace

Isa detected_isa() noexcept {
#if defined(__x86_64__)
  // These ask CPUID and XGETBV, so an operating system that does not save wide registers counts as a CPU without.
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("sse4.2")) return Isa::scalar;
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return Isa::sse42;
  const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                    __builtin_cpu_supports("avx512ifma");
  return wide ? Isa::avx512 : Isa::avx2;
#elif defined(__aarch64__)
  return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0 ? Isa::arm : Isa::scalar;
#else
  return Isa::scalar;
#endif
}

Isa active_isa() noexcept {
  const std::uint8_t now = chosen.load(std::memory_order_relaxed);
  if (now != undecided) [[likely]]
    return static_cast<Isa>(now);
  return use_isa(detected_isa());
}

Isa use_isa(Isa isa) noexcept {
  const Isa best = detected_isa();
  const Isa least = isa < best ? isa : best;
  const Isa used = least < own_first ? Isa::scalar : least;
  sha_present.store(detect_sha(), std::memory_order_relaxed);
  chosen.store(static_cast<std::uint8_t>(used), std::memory_order_relaxed);
  return used;
}

bool uses_sha_instructions() noexcept {
  return active_isa() != Isa::scalar && sha_present.load(std::memory_order_relaxed);
}

std::string_view isa_name(Isa isa) noexcept {
  switch (isa) {
    case Isa::scalar:
      return "scalar";
    case Isa::arm:
      return "arm";
    case Isa::sse42:
      return "sse4.2";
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
  }
  return "unknown";
}

}  // namespace serried::simd
