#include "telemetry/allocations.h"

#include <cerrno>
#include <cstddef>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SERRIED_COUNT_ALLOCATIONS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SERRIED_COUNT_ALLOCATIONS 0
#endif
#endif
#if !defined(SERRIED_COUNT_ALLOCATIONS) && defined(__GLIBC__)
#define SERRIED_COUNT_ALLOCATIONS 1
#elif !defined(SERRIED_COUNT_ALLOCATIONS)
#define SERRIED_COUNT_ALLOCATIONS 0
#endif

namespace serried::telemetry {
namespace {

// In the executable's own TLS block, which exists before any thread runs: counting never allocates.
thread_local std::uint64_t count = 0;

}  // namespace

std::uint64_t thread_allocations() noexcept { return count; }
bool allocations_counted() noexcept { return SERRIED_COUNT_ALLOCATIONS == 1; }

}  // namespace serried::telemetry

#if SERRIED_COUNT_ALLOCATIONS

// Entry points of glibc's allocator, exported for exactly this. `free` stays glibc's.
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* memory, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

void* malloc(std::size_t bytes) {
  ++serried::telemetry::count;
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) {
  ++serried::telemetry::count;
  return __libc_calloc(count, bytes);
}
void* realloc(void* memory, std::size_t bytes) {
  ++serried::telemetry::count;
  return __libc_realloc(memory, bytes);
}
void* memalign(std::size_t alignment, std::size_t bytes) {
  ++serried::telemetry::count;
  return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  ++serried::telemetry::count;
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) {
  ++serried::telemetry::count;
  if (alignment < sizeof(void*) || (alignment & (alignment - 1)) != 0) return EINVAL;
  void* const got = __libc_memalign(alignment, bytes);
  if (got == nullptr) return ENOMEM;
  *memory = got;
  return 0;
}
}  // extern "C"

#endif
