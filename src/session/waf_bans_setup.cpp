#include "session/waf_bans.h"

#include "base/setup.h"

namespace serried::session {

SERRIED_SETUP BanTable::BanTable(unsigned capacity, std::uint64_t salt) : bans_(capacity, AddressHash{salt}) {}

}  // namespace serried::session
