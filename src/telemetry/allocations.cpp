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
thread_local MemoryRecord* record = nullptr;

/// What the record itself asks for is not recorded.
class Aside {
 public:
  Aside() noexcept : record_(record) { record = nullptr; }
  ~Aside() { record = record_; }
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;

 private:
  MemoryRecord* record_;
};

[[maybe_unused]] void* taken(void* memory, std::size_t bytes) {
  ++count;
  if (MemoryRecord* const to = record; to != nullptr && memory != nullptr) [[unlikely]] {
    const Aside aside;
    note_taken(*to, memory, bytes);
  }
  return memory;
}

[[maybe_unused]] void given_back(void* memory) noexcept {
  if (MemoryRecord* const to = record; to != nullptr && memory != nullptr) [[unlikely]] {
    const Aside aside;
    note_given_back(*to, memory);
  }
}

}  // namespace

std::uint64_t thread_allocations() noexcept { return count; }
bool allocations_counted() noexcept { return SERRIED_COUNT_ALLOCATIONS == 1; }
void record_to(MemoryRecord* to) noexcept { record = to; }

}  // namespace serried::telemetry

#if SERRIED_COUNT_ALLOCATIONS

// Entry points of glibc's allocator, exported for exactly this.
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* memory, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);
void __libc_free(void* memory);

void* malloc(std::size_t bytes) { return serried::telemetry::taken(__libc_malloc(bytes), bytes); }
void* calloc(std::size_t count, std::size_t bytes) {
  return serried::telemetry::taken(__libc_calloc(count, bytes), count * bytes);
}
void* realloc(void* memory, std::size_t bytes) {
  serried::telemetry::given_back(memory);
  return serried::telemetry::taken(__libc_realloc(memory, bytes), bytes);
}
void* memalign(std::size_t alignment, std::size_t bytes) {
  return serried::telemetry::taken(__libc_memalign(alignment, bytes), bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return serried::telemetry::taken(__libc_memalign(alignment, bytes), bytes);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) {
  const bool possible = alignment >= sizeof(void*) && (alignment & (alignment - 1)) == 0;
  void* const got = serried::telemetry::taken(possible ? __libc_memalign(alignment, bytes) : nullptr, bytes);
  if (!possible) return EINVAL;
  if (got == nullptr) return ENOMEM;
  *memory = got;
  return 0;
}
void free(void* memory) {
  serried::telemetry::given_back(memory);
  __libc_free(memory);
}
}  // extern "C"

#endif
