#pragma once
/// Clients send to one address of ours, and each gets a UDP port of its own towards the server, so that the server
/// tells them apart as it would without us. What passes takes its way over two links of the client, up and down.
///
///     client --> front --up link--> held until due --> back, port of the client --> server
///     client <-- front <--held until due <--down link-- back, port of the client <-- server

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/histogram.h"
#include "port/socket.h"
#include "tools/impair/link.h"

namespace serried::tools {

enum class Direction : std::uint8_t { up, down };
inline constexpr unsigned direction_count = 2;

struct RelayConfig {
  wire::Path listen;  ///< port 0: the system chooses
  wire::Path server;
  std::array<LinkProfile, direction_count> profile;  ///< by Direction
  std::uint64_t seed = 1;
  unsigned clients_max = 1'024;
  Nanos idle_max = 60 * second;  ///< the place of a client that was silent for so long goes to another
  unsigned held_max = 65'536;    ///< datagrams on their way
};

/// received + duplicated = delivered + lost + overflowed + refused + held, at every moment.
struct RelayCounters {
  std::uint64_t received = 0, received_bytes = 0, delivered = 0, delivered_bytes = 0;
  std::uint64_t duplicated = 0, reordered = 0;
  std::uint64_t lost = 0;        ///< by the profile
  std::uint64_t overflowed = 0;  ///< the link's queue was full
  /// No place for another client, too many on their way, longer than an Ethernet frame takes, or not from the server.
  std::uint64_t refused = 0;
  std::uint64_t held = 0;
  std::uint64_t unsent = 0;  ///< of those delivered, what the system did not take
  std::uint64_t missed = 0;  ///< what the system dropped before we saw it: we are too slow
  base::Histogram delay;     ///< ns from arrival to departure, of what was delivered
};

class Relay {
 public:
  static constexpr std::uint16_t datagram_bytes_max = 1'472;

  /// Error: an address is not ours, a port is taken, too many sockets for the limit of files.
  [[nodiscard]] static Result<std::unique_ptr<Relay>> open(const RelayConfig& config);

  /// Take what came, send what is due. Returns how many datagrams were moved.
  unsigned poll(Nanos now);
  /// When the next datagram is due; ~0 when none is held.
  [[nodiscard]] Nanos next_due() const noexcept { return order_.empty() ? ~Nanos{0} : held_[order_.front()].due; }

  /// Ask the system what it dropped, for the counters.
  void count_missed() noexcept;

  /// Where clients send to.
  [[nodiscard]] const wire::Path& local() const noexcept { return front_->local(); }
  [[nodiscard]] const RelayCounters& counters(Direction direction) const noexcept {
    return counters_[static_cast<unsigned>(direction)];
  }
  [[nodiscard]] unsigned clients() const noexcept { return client_count_; }  ///< since the start

 private:
  struct Client {
    wire::Path path;  ///< where it sends from
    Nanos heard = 0;  ///< 0: the place is free
    std::array<ImpairedLink, direction_count> links;
  };
  struct Held {
    Nanos due = 0, came = 0;
    std::uint64_t number = 0;  ///< of those that were held: what is due at one time leaves as it came
    std::uint32_t client = 0;
    std::uint16_t bytes = 0;
    Direction direction{};
    wire::Path to;  ///< down: the client's, as it was then
    std::array<std::uint8_t, datagram_bytes_max> data;
  };
  static constexpr std::uint32_t no_client = ~std::uint32_t{0};

  Relay(const RelayConfig& config, std::unique_ptr<port::LocalAddresses> addresses, std::unique_ptr<port::Socket> front,
        std::unique_ptr<port::Socket> back);
  [[nodiscard]] std::uint32_t client_of(const wire::Path& path, Nanos now);
  [[nodiscard]] std::uint32_t client_at(std::uint16_t local_port) const noexcept;
  [[nodiscard]] Client fresh_client(const wire::Path& path, Nanos now);
  unsigned take(Direction direction, Nanos now);
  void pass(Direction direction, std::uint32_t client, const std::uint8_t* data, std::uint16_t bytes, Nanos now);
  unsigned deliver(Nanos now);
  [[nodiscard]] RelayCounters& of(Direction direction) noexcept { return counters_[static_cast<unsigned>(direction)]; }
  [[nodiscard]] port::Socket& towards(Direction direction) noexcept {
    return direction == Direction::up ? *back_ : *front_;
  }
  [[nodiscard]] bool later(std::uint32_t a, std::uint32_t b) const noexcept;

  RelayConfig config_;
  std::unique_ptr<port::LocalAddresses> addresses_;  ///< of the front: answers come from the one that was asked
  std::unique_ptr<port::Socket> front_, back_;
  std::vector<Client> clients_;
  unsigned client_count_ = 0;
  std::vector<std::uint32_t> client_by_port_;  ///< by UDP port of the back
  std::vector<Held> held_;
  std::vector<std::uint32_t> free_;   ///< of held_
  std::vector<std::uint32_t> order_;  ///< heap of held_, what is due first on top
  std::uint64_t number_ = 0;
  std::array<RelayCounters, direction_count> counters_;
};

}  // namespace serried::tools
