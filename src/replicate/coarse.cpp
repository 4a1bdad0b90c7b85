#include "replicate/coarse.h"

#include <algorithm>

#include "base/setup.h"

namespace serried::replicate {

SERRIED_SETUP CoarseFractions::CoarseFractions(unsigned steps) {
  constexpr unsigned whole = 255;
  for (unsigned fraction = 0; fraction <= whole; ++fraction) {
    const unsigned nearest = (2 * fraction * steps + whole) / (2 * whole);
    const unsigned step = std::clamp(nearest, 1U, steps - 1);
    const bool exact = fraction == 0 || fraction == whole;
    table_[fraction] = static_cast<std::uint8_t>(exact ? fraction : (2 * step * whole + steps) / (2 * steps));
  }
}

}  // namespace serried::replicate
