/// Memory of the symbol pools. See symbol_pool.h.

#include "message/symbol_pool.h"

#include <algorithm>

#include "base/check.h"
#include "base/setup.h"

namespace serried::message {

SERRIED_SETUP SymbolPool::SymbolPool(std::uint16_t symbols)
    : entries_(symbols), text_(std::min<std::size_t>(text_bytes_max, symbols * symbol_name_bytes_max)) {
  SERRIED_CHECK(symbols >= symbols_min && symbols <= symbols_max);
}

SERRIED_SETUP SymbolBinder::SymbolBinder() : entries_(symbols_min) {}

}  // namespace serried::message
