#pragma once
/// Whose XDP program an interface has. net_af_xdp does not ask: it takes part in, or fails at, what it finds there, and
/// as it closes it takes away whatever stands there, also another program's. So an interface is looked at before EAL
/// knows of it, the program is watched while a server runs, and the driver closes where it cannot reach what is not
/// ours.

#include <cstdint>
#include <string>
#include <vector>

#include "serried/result.h"

namespace serried::port {

/// Make sure that no interface of a net_af_xdp among EAL's arguments has a program. One that a killed process of ours
/// left is taken off. Error: the interface has a program; says which and whose.
Result<Done> claim_af_xdp_interfaces(const std::vector<std::string>& eal_arguments);
/// The interfaces of all net_af_xdp among EAL's arguments.
[[nodiscard]] std::vector<std::string> af_xdp_interfaces(const std::vector<std::string>& eal_arguments);

/// A descriptor, the caller's to close, of what BPF knows by this id; negative: -errno. Asking by id takes
/// CAP_SYS_ADMIN: without it, what this process has open is found among its files, and nothing else is.
[[nodiscard]] int open_bpf_program(std::uint32_t id) noexcept;
[[nodiscard]] int open_bpf_map(std::uint32_t id) noexcept;

/// The program through which an interface's frames come to us. Control thread only: each call is a system call or more.
class XdpProgram {
 public:
  XdpProgram() = default;  ///< none
  /// What stands at the interface now is ours. Error: nothing does, or no right to look at it.
  static Result<XdpProgram> take(unsigned interface_index);
  XdpProgram(XdpProgram&& other) noexcept;
  XdpProgram& operator=(XdpProgram&& other) noexcept;
  ~XdpProgram();

  enum class State : std::uint8_t {
    ours,
    gone,     ///< taken off; the interface is the kernel's alone
    another,  ///< a program of another process stands there
    unknown   ///< the interface cannot be asked: it is gone
  };
  [[nodiscard]] State state() const noexcept;
  /// Attach it again where nothing stands. Its maps, and the sockets in them, are as they were.
  Result<Done> put_back() const;
  /// Of what stands at the interface now, and whose it is: "program 12 (\"name\", held by process 77, comm)".
  [[nodiscard]] std::string describe() const;

  /// Whether all that stands at the interface is this process's to take away: nothing, this, or a program it holds.
  [[nodiscard]] bool may_close(unsigned interface_index) const noexcept;

 private:
  unsigned interface_index_ = 0;
  std::uint32_t id_ = 0;
  int file_ = -1;
  unsigned flags_ = 0;  ///< how it was attached: natively or generically
};

/// While this stands, the calling thread sees an empty network: what a driver would take off an interface, it does not
/// find.
class OutOfSight {
 public:
  OutOfSight() noexcept;
  ~OutOfSight();
  OutOfSight(const OutOfSight&) = delete;
  OutOfSight& operator=(const OutOfSight&) = delete;
  /// False: no right to it; the thread sees what it saw.
  [[nodiscard]] bool hidden() const noexcept { return hidden_; }

 private:
  int home_ = -1;
  bool hidden_ = false;
};

}  // namespace serried::port
