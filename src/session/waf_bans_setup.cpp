#include "session/waf_bans.h"

namespace serried::session {

BanTable::BanTable(unsigned capacity, std::uint64_t salt) : bans_(capacity, AddressHash{salt}) {}

}  // namespace serried::session
