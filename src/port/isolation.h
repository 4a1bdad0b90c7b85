#pragma once
/// Whether a device is one that no stranger can send to: what a server in measurement mode asks, since its keys are no
/// secret.

#include <cstdint>
#include <string>
#include <string_view>

#include "serried/result.h"

namespace serried::port {

/// Why strangers could send to a device: its driver is no net_null, net_ring or net_pcap, or it stands on an interface
/// of the kernel, or reads what is no regular file. Empty: they cannot. `arguments` as --vdev has them.
[[nodiscard]] std::string isolation_fault(std::string_view driver, std::string_view arguments,
                                          unsigned interface_index);

/// The same of an ethdev. Error: one sentence about it.
Result<Done> check_isolated(std::uint16_t port_id);

}  // namespace serried::port
