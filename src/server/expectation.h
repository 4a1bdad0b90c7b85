#pragma once
/// What a profile expects of its device, against what the device turned out to be.

#include <string>
#include <vector>

#include "config/profile.h"
#include "port/ethdev.h"

namespace serried::server {

/// A clause for each thing that the device has not: checksums that software then computes, hash types without which it
/// spreads datagrams otherwise, another driver. Of RSS only with several io lanes.
[[nodiscard]] std::vector<std::string> unmet_expectations(const config::Profile& profile,
                                                          const port::EthdevReport& report, unsigned io_lanes);

}  // namespace serried::server
