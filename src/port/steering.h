#pragma once
/// A program for the kernel that gives each datagram of a group of sockets (SO_REUSEPORT) to the lane that owns its
/// session, so that lanes have less to hand over to each other. Classic BPF: it needs no rights and no compiler.
///
///     sealed datagram   connection id names a lane that is there   ->  that lane's socket
///     anything else                                                ->  the kernel's hash of both end points

#include <array>
#include <linux/filter.h>

#include "serried/result.h"

namespace serried::port {

/// Where a sealed datagram names its lane: `shift` upper bits of one byte of its payload.
struct LaneField {
  unsigned byte = 0, shift = 0;
};

using SteeringProgram = std::array<sock_filter, 9>;
[[nodiscard]] SteeringProgram steering_program(LaneField field, unsigned lanes) noexcept;

/// Attach it to the group of `file`, whose sockets were bound in the order of their lanes.
Result<Done> attach_steering(int file, LaneField field, unsigned lanes);

}  // namespace serried::port
