#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace serried::base {

void check_failed(const char* what, const char* file, int line) noexcept {
  std::fprintf(stderr, "serried: internal error: %s does not hold (%s:%d)\n", what, file, line);
  std::abort();
}

}  // namespace serried::base
