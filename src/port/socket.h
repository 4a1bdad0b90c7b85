#pragma once
/// Datagrams through the operating system's UDP: slower than a bypassed NIC, but it runs anywhere, without rights.
/// One object a lane, with buffers of its own. Bursts of 64 a system call; the kernel splits (UDP_SEGMENT) and joins
/// (UDP_GRO) runs of equal datagrams where it can.
///
/// Receiving joined datagrams: a message's first 1920 bytes land in a slot of the pool, the rest in a slab behind
///
///     iovec 0: slot  | data 1920 |      iovec 1: slab | spare 1920 | 65535 ... |
///
/// so a datagram that came alone is never copied. One that came joined is made whole in its slab (the slot's tail
/// moves into the spare), and its segments are copied out into slots as rows: each row owns its buffer, as with
/// any other port. What a batch has no room for waits in its slab for the next receive.

#include <atomic>
#include <memory>
#include <netinet/in.h>
#include <sys/socket.h>
#include <vector>

#include "port/address.h"
#include "port/local_addresses.h"
#include "port/pool.h"
#include "port/port.h"
#include "port/steering.h"

namespace serried::port {

/// Several sockets on one UDP port, one a lane, over which the kernel spreads the sources (SO_REUSEPORT).
enum class Sharing : std::uint8_t {
  alone,
  first,  ///< takes the port as one that stands alone, so that no other program has it, then lets others of its user in
  joining  ///< comes to the first
};

struct SocketConfig {
  /// Local; all zeros (::) takes IPv6 and IPv4, or IPv4 alone where the system has no IPv6; 0.0.0.0 all of IPv4.
  Address address{};
  std::uint32_t interface = 0;   ///< index, of a link-local address
  std::uint16_t port_first = 0;  ///< 0: the system chooses, for each socket
  unsigned socket_count = 1;     ///< sockets of consecutive UDP ports
  Sharing sharing = Sharing::alone;
  /// Of an unspecified `address`: where answers come from the address that was asked, and shared by all sockets whose
  /// paths may meet. Outlives them. Null: the system chooses.
  LocalAddresses* local_addresses = nullptr;
  bool gro = true, gso = true;
  unsigned buffers = 4096;
  int receive_bytes = 8 << 20;  ///< asked of the kernel, all sockets together; report() says what it gave
  int send_bytes = 8 << 20;
};

/// What the kernel granted. Bytes are of one socket.
struct SocketReport {
  std::vector<wire::Path> local;  ///< addresses and ports in use, one a socket
  int receive_bytes = 0, send_bytes = 0;
  bool gro = false, gso = false;
  bool has_ipv6 = true;  ///< false: all addresses were asked for, and the system has IPv4 alone
  /// The system forbids to receive, or to send, several datagrams in one call.
  bool receives_singly = false, sends_singly = false;
};

class Socket {
 public:
  /// Error: the address is not ours, the port is taken or none is left, too many sockets for the file limit, the system
  /// forbids to receive or to send.
  static Result<std::unique_ptr<Socket>> open(const SocketConfig& config);
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void receive(wire::Batch& batch, Nanos now) noexcept;
  void transmit(wire::Batch& batch, Nanos now) noexcept;
  unsigned acquire(std::span<wire::Buffer> buffers) noexcept { return pool_.take(buffers); }
  void release(wire::Batch& batch) noexcept { pool_.give(batch); }
  void release(const wire::Buffer& buffer) noexcept { pool_.give(buffer.owner); }
  [[nodiscard]] const PortCounters& counters() const noexcept { return counters_; }

  [[nodiscard]] const SocketReport& report() const noexcept { return report_; }
  /// Where others reach socket `index`.
  [[nodiscard]] const wire::Path& local(unsigned index = 0) const noexcept { return report_.local[index]; }
  /// Buffers that are out; 0 when all came home.
  [[nodiscard]] unsigned outstanding() const noexcept { return pool_.outstanding() - armed_count_; }
  /// Have the kernel give datagrams to the lanes that own their sessions, in the group of sockets (Sharing) that this
  /// one is in. When all have been opened, in the order of their lanes.
  Result<Done> steer(LaneField field, unsigned lanes) { return attach_steering(files_.front(), field, lanes); }
  /// Ask the kernel what it dropped for want of room; nic_missed follows with the next receive. Control thread
  /// only.
  void poll_missed() noexcept;

 private:
  static constexpr unsigned burst = wire::Batch::capacity;
  static constexpr std::size_t control_bytes = 64;
  struct Receiver;
  struct Sender;

  explicit Socket(const SocketConfig& config);
  Result<Done> add(const SocketConfig& config, unsigned index);
  Result<Done> finish_setup();
  Result<Done> probe_calls();

  struct Control;
  [[nodiscard]] Control read_control(msghdr& header) noexcept;
  void write_control(msghdr& header, const wire::Path& path, std::uint16_t segment_bytes) const noexcept;
  [[nodiscard]] std::uint8_t number_of(const Address& local) noexcept;
  [[nodiscard]] int receive_messages(int file, unsigned room) noexcept;
  [[nodiscard]] int send_some(int file, unsigned first, unsigned count) noexcept;
  unsigned arm(unsigned room) noexcept;
  void read_socket(unsigned index, wire::Batch& batch) noexcept;
  void take_message(unsigned message, unsigned index, wire::Batch& batch) noexcept;
  void drain_pending(wire::Batch& batch) noexcept;
  void deliver(wire::Batch& batch, std::uint8_t* data, std::size_t bytes, void* owner, const wire::Path& path) noexcept;
  [[nodiscard]] int socket_of(std::uint16_t local_port) const noexcept;
  void gather(const wire::Batch& batch, unsigned& next, unsigned message) noexcept;
  void send_messages(const wire::Batch& batch, int file, unsigned count) noexcept;
  void count_sent(const wire::Batch& batch, unsigned message) noexcept;
  void send_one_by_one(const wire::Batch& batch, int file, unsigned message) noexcept;
  void refuse(unsigned message, int error) noexcept;

  BufferPool pool_;
  PortCounters counters_;
  SocketReport report_;
  std::vector<int> files_;
  std::vector<std::uint32_t> missed_by_file_;
  std::vector<std::int16_t> file_by_port_;  ///< by UDP port, -1: none; empty when there is one socket only
  int poll_file_ = -1;
  bool ipv4_only_ = false;
  bool ipv6_only_ = false;
  LocalAddresses* local_addresses_ = nullptr;
  Address last_local_{};                ///< that a datagram came to
  std::uint8_t last_local_number_ = 0;  ///< of that one
  bool last_local_is_link_local_ = false;
  unsigned armed_count_ = 0;
  std::unique_ptr<Receiver> receiver_;
  std::unique_ptr<Sender> sender_;
  std::atomic<std::uint64_t> missed_{0};
};

static_assert(Port<Socket>);

}  // namespace serried::port
