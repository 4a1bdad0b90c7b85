#include "port/steering.h"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>

#include "base/setup.h"
#include "wire/datagram.h"

namespace serried::port {
namespace {

constexpr unsigned flags_offset = 5;        // behind connection id and channel
constexpr unsigned no_socket = 0xFFFFFFFF;  // the number of no socket: the kernel uses its hash

constexpr sock_filter statement(unsigned code, unsigned value) {
  return {static_cast<std::uint16_t>(code), 0, 0, value};
}
/// Skip so many of the statements behind it.
constexpr sock_filter jump(unsigned code, unsigned value, std::uint8_t when_true, std::uint8_t when_false) {
  return {static_cast<std::uint16_t>(code), when_true, when_false, value};
}

}  // namespace

SteeringProgram steering_program(LaneField field, unsigned lanes) noexcept {
  return {
      statement(BPF_LD | BPF_W | BPF_LEN, 0),
      jump(BPF_JMP | BPF_JGE | BPF_K, wire::header_bytes, 0, 6),
      statement(BPF_LD | BPF_B | BPF_ABS, flags_offset),
      jump(BPF_JMP | BPF_JSET | BPF_K, wire::flag::encrypted, 0, 4),
      statement(BPF_LD | BPF_B | BPF_ABS, field.byte),
      statement(BPF_ALU | BPF_RSH | BPF_K, field.shift),
      jump(BPF_JMP | BPF_JGE | BPF_K, lanes, 1, 0),
      statement(BPF_RET | BPF_A, 0),
      statement(BPF_RET | BPF_K, no_socket),
  };
}

SERRIED_SETUP Result<Done> attach_steering(int file, LaneField field, unsigned lanes) {
  SteeringProgram program = steering_program(field, lanes);
  const sock_fprog text{static_cast<unsigned short>(program.size()), program.data()};
  if (setsockopt(file, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &text, sizeof text) != 0)
    return Error{std::string("SO_ATTACH_REUSEPORT_CBPF: ") + std::strerror(errno)};
  return Done{};
}

}  // namespace serried::port
