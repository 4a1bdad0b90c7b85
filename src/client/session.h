#pragma once
/// One connection of a client, as a state machine without input, output or clock: datagrams and times go in, datagrams
/// come out. The caller owns socket and loop. A program with one session uses `receive` and `send`; one with thousands
/// (the swarm) uses the stages they are made of, so that CRC and AEAD run over bursts of many sessions:
///
///     parse, verify -> accept_header -> AEAD by the caller -> accept_opened       (or accept_handshake)
///     compose -> AEAD by the caller -> stamp
///
///     idle -> connecting -> challenged -> testing -> entering -> playing -> closing -> closed
///             Connect       Connect +     CryptoTest EnterToWorld inputs    3 * Disconnect
///                           cookie
///     any of them -> closed: denied, timed out, disconnected by the server, protocol error
///
/// Source  docs/wire-format.md sections 1 to 5

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/prng.h"
#include "channel/ack.h"
#include "client/view.h"
#include "crypt/cookie.h"
#include "crypt/keys.h"
#include "crypt/replay.h"
#include "crypt/token.h"
#include "message/control.h"
#include "message/input.h"
#include "observe/drop.h"
#include "wire/datagram.h"
#include "wire/path.h"
#include "wire/verify.h"

namespace serried::client {

enum class State : std::uint8_t { idle, connecting, challenged, testing, entering, playing, closing, closed };
[[nodiscard]] std::string_view state_name(State state) noexcept;

/// Why a session ended.
enum class End : std::uint8_t { none, user, denied, connect_timeout, silence, disconnected, protocol_error };
[[nodiscard]] std::string_view end_name(End end) noexcept;

/// What went wrong without ending the session, or ended it.
enum class Fault : std::uint8_t {
  bad_framing,
  bad_message,
  unknown_message,
  unexpected_message,
  bad_ack,
  ack_lie,
  unsupported,
  bad_accept,
  input_echo,
  view_mismatch,
  misplaced_record,
  view_full,
  ended,
  count_
};
[[nodiscard]] std::string_view fault_name(Fault fault) noexcept;
inline constexpr std::size_t fault_count = static_cast<std::size_t>(Fault::count_);

struct FaultReport {
  Nanos at = 0;
  std::uint64_t sequence = 0;  ///< of the datagram, 0 when there is none
  Fault fault{};
  std::uint8_t detail = 0;  ///< message type, or End
};

/// The last eight reports and a count of each kind: bounded, whatever a server sends.
class FaultLog {
 public:
  static constexpr std::size_t capacity = 8;
  void add(const FaultReport& report) noexcept;
  [[nodiscard]] std::uint32_t total() const noexcept { return total_; }
  [[nodiscard]] std::uint32_t count(Fault fault) const noexcept { return counts_[static_cast<std::size_t>(fault)]; }
  /// The newest is index 0. Precondition: index < min(total(), capacity).
  [[nodiscard]] const FaultReport& recent(std::size_t index) const noexcept {
    return reports_[(total_ - 1 - index) % capacity];
  }

 private:
  std::array<FaultReport, capacity> reports_{};
  std::array<std::uint32_t, fault_count> counts_{};
  std::uint32_t total_ = 0;
};

struct SessionOptions {
  wire::Path server;
  std::uint64_t protocol_id = 0;
  std::uint64_t server_id = 0;
  std::span<const std::uint8_t> token;  ///< copied by start(); at most token_bytes_max
  crypt::Secret token_secret;
  crypt::Entropy entropy;
  bool audit = false;  ///< ask the server for hashes of what it believes we hold
  Nanos connect_timeout = 10 * second;
};

/// A datagram that `compose` wrote. bytes 0: there is nothing to send. `bytes` counts tag and trailer, which are not
/// yet written; key null: in clear, only the trailer is missing.
struct Outgoing {
  std::size_t bytes = 0;
  const std::uint8_t* key = nullptr;
  std::uint32_t connection_id = 0;
  std::uint64_t sequence = 0;
  std::uint16_t body_bytes = 0;
};

/// What is to be done with a datagram whose header and CRC are right.
struct Admission {
  observe::Drop verdict = observe::Drop::none;
  bool handshake = false;  ///< give it to accept_handshake, unopened
};

class Session {
 public:
  static constexpr unsigned inputs_per_datagram = 3;
  /// ConnectionAccepted tried for each Connect sent: every try costs a scalar multiplication, and forging one costs
  /// nothing.
  static constexpr std::uint8_t accepts_per_connect = 4;

  explicit Session(const ViewOptions& view = {}) noexcept : view_(view) {}

  /// Begin to connect: fresh ephemeral key, state connecting. Also after closed. False, and nothing changed: a token
  /// that is empty or too long.
  [[nodiscard]] bool start(const SessionOptions& options, Nanos now);
  /// Say goodbye: playing sessions send three Disconnects (keep calling send), others end at once.
  void close(Nanos now) noexcept;

  // One datagram at a time.
  /// Process what arrived, in place. Drops are counted in `drops` and returned.
  observe::Drop receive(std::span<std::uint8_t> datagram, const wire::Path& source, Nanos now,
                        observe::DropCounters& drops);
  /// The next datagram that is due, ready for the wire, at most datagram_bytes_max; 0: nothing is due.
  [[nodiscard]] std::size_t send(std::span<std::uint8_t> to, Nanos now) noexcept;

  // The same in stages.
  [[nodiscard]] Admission accept_header(const wire::Header& header, std::size_t bytes,
                                        const wire::Path& source) const noexcept;
  [[nodiscard]] observe::Drop accept_handshake(std::span<std::uint8_t> datagram, const wire::Header& header, Nanos now);
  [[nodiscard]] const std::uint8_t* opening_key() const noexcept { return keys_.server_to_client.data(); }
  /// `body` is authentic plaintext. Messages that are dropped are counted in `drops`.
  [[nodiscard]] observe::Drop accept_opened(const wire::Header& header, std::span<const std::uint8_t> body,
                                            const wire::Path& source, Nanos now, observe::DropCounters& drops);
  /// Its result names this session's key: seal it before anything else is done with the session.
  [[nodiscard]] Outgoing compose(std::span<std::uint8_t> to, Nanos now) noexcept;

  /// Time passes: time-outs. `compose` and `send` do it too.
  void poll(Nanos now) noexcept;
  /// When to call send again, if nothing is received or submitted before.
  [[nodiscard]] Nanos wake_at() const noexcept;

  /// Queue an input; its sequence is given here and returned. It goes out with the next datagram, and again with the
  /// ones after it until the server has applied it or two newer ones have come.
  std::uint16_t submit(message::Input input) noexcept;

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] bool connected() const noexcept { return state_ == State::playing; }
  [[nodiscard]] End end() const noexcept { return end_; }
  /// One sentence for a person, when the state is closed.
  [[nodiscard]] std::string end_text() const;
  [[nodiscard]] message::DenyReason deny_reason() const noexcept { return deny_reason_; }
  [[nodiscard]] std::uint32_t retry_after_ms() const noexcept { return retry_after_ms_; }

  [[nodiscard]] std::uint32_t connection_id() const noexcept { return connection_id_; }
  [[nodiscard]] const wire::Path& server() const noexcept { return server_; }
  [[nodiscard]] const message::ConnectionAccepted& parameters() const noexcept { return parameters_; }
  [[nodiscard]] View& view() noexcept { return view_; }
  [[nodiscard]] const View& view() const noexcept { return view_; }
  /// The last input sequence that the server has applied; 0 before the first.
  [[nodiscard]] std::uint16_t applied_input() const noexcept { return applied_input_; }
  [[nodiscard]] std::uint16_t last_input() const noexcept { return input_sequence_; }
  [[nodiscard]] Nanos rtt() const noexcept { return sent_.round_trip().smoothed(); }
  [[nodiscard]] const FaultLog& faults() const noexcept { return faults_; }

 private:
  void enter(State state, Nanos now) noexcept;
  void finish(End end, Nanos now, std::uint64_t sequence = 0) noexcept;
  void report(Fault fault, Nanos now, std::uint64_t sequence, std::uint8_t detail) noexcept;
  void wipe() noexcept;
  void back_off(Nanos now, Nanos most) noexcept;

  [[nodiscard]] observe::Drop accept_clear(std::span<const std::uint8_t> body, Nanos now);
  [[nodiscard]] observe::Drop accept_connection(std::span<std::uint8_t> datagram, const wire::Header& header,
                                                Nanos now);
  void accept_messages(base::ByteReader body, std::uint64_t sequence, Nanos now, observe::DropCounters& drops);
  [[nodiscard]] observe::Drop accept_message(const message::Framed& framed, std::uint64_t sequence, Nanos now);
  [[nodiscard]] observe::Drop accept_disconnect(std::span<const std::uint8_t> content, std::uint64_t sequence,
                                                Nanos now);
  void accept_update(std::uint64_t sequence, Nanos now) noexcept;

  [[nodiscard]] Outgoing compose_connect(std::span<std::uint8_t> to, Nanos now) noexcept;
  [[nodiscard]] Outgoing compose_sealed(std::span<std::uint8_t> to, Nanos now) noexcept;
  void write_messages(base::ByteWriter& out, Nanos now) noexcept;
  void write_inputs(base::ByteWriter& out) noexcept;
  [[nodiscard]] bool ping_due(Nanos now) const noexcept;
  [[nodiscard]] Nanos silence_max() const noexcept;
  [[nodiscard]] Nanos ack_delay_max() const noexcept { return parameters_.ack_delay_us * microsecond; }

  State state_ = State::idle;
  End end_ = End::none;
  bool audit_ = false;
  bool has_keys_ = false;
  bool input_pending_ = false;
  std::uint8_t goodbyes_left_ = 0;
  std::uint8_t accepts_left_ = 0;
  std::uint8_t pongs_ = 0;
  std::uint32_t connection_id_ = 0;
  std::uint16_t input_sequence_ = 0;
  std::uint16_t applied_input_ = 0;

  wire::Path server_;
  crypt::SessionKeys keys_;
  crypt::ReplayWindow replay_;
  channel::ReceivedDatagrams received_;
  channel::SentDatagrams sent_;
  base::Prng dice_{0};  ///< sequences to leave out, ids of Pings

  Nanos started_at_ = 0;
  Nanos resend_at_ = 0;
  Nanos resend_after_ = 0;
  Nanos heard_at_ = 0;
  Nanos pinged_at_ = 0;
  Nanos denied_at_ = 0;
  Nanos connect_timeout_ = 10 * second;

  std::array<message::Input, inputs_per_datagram> inputs_{};  ///< by sequence modulo
  struct PendingPong {
    message::Ping ping;
    Nanos at = 0;
  };
  std::array<PendingPong, 2> pong_{};

  // Of the handshake
  std::uint64_t protocol_id_ = 0, server_id_ = 0;
  crypt::KeyPair ephemeral_;
  crypt::Secret token_secret_;
  crypt::Cookie cookie_{};
  message::CryptoTest test_;
  std::array<std::uint8_t, crypt::token_bytes_max> token_{};
  std::uint16_t token_bytes_ = 0;

  message::DenyReason deny_reason_{};
  std::uint32_t retry_after_ms_ = 0;
  message::DisconnectReason disconnect_reason_{};
  std::array<char, message::disconnect_text_bytes_max> disconnect_text_{};
  std::uint8_t disconnect_text_bytes_ = 0;

  message::ConnectionAccepted parameters_;
  View view_;
  FaultLog faults_;
  wire::CrcSeed crc_{0};
};

}  // namespace serried::client
