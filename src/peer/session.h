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
///     any of them -> closed: denied, timed out, disconnected by the server
///     any that has keys -> closing: the server broke the protocol, or acknowledges nothing
///
/// The reliable channels open beside this, from `entering` on, when the server has answered ReliableHandshake.
///
/// Source  docs/wire-format.md sections 1 to 5, 8

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "channel/ack.h"
#include "channel/congestion.h"
#include "crypt/cookie.h"
#include "crypt/integrity.h"
#include "crypt/keys.h"
#include "crypt/replay.h"
#include "crypt/secret_numbers.h"
#include "crypt/token.h"
#include "message/control.h"
#include "message/input.h"
#include "message/symbol_pool.h"
#include "metrics/drop.h"
#include "peer/key_ring.h"
#include "peer/outbox.h"
#include "peer/send_budget.h"
#include "view/view.h"
#include "wire/datagram.h"
#include "wire/path.h"
#include "wire/verify.h"

namespace serried::channel {
class Dictionary;
class Packer;
}  // namespace serried::channel

namespace serried::peer {

enum class State : std::uint8_t { idle, connecting, challenged, testing, entering, playing, closing, closed };
[[nodiscard]] std::string_view state_name(State state) noexcept;

/// Why a session ended.
enum class End : std::uint8_t { none, user, denied, connect_timeout, silence, disconnected, protocol_error, no_acks };
[[nodiscard]] std::string_view end_name(End end) noexcept;

/// What went wrong without ending the session, or ended it.
enum class Fault : std::uint8_t {
  bad_framing,
  bad_message,
  unknown_message,
  unexpected_message,
  bad_ack,
  ack_lie,
  bad_reliable,
  stalled_message,
  bad_packed,
  bad_rekey,
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
  /// Message type, channel, epoch of keys or End, by the fault; 0 where there is nothing to say.
  std::uint8_t detail = 0;
};
/// A sentence for a person: in which datagram, and what was wrong.
[[nodiscard]] std::string fault_text(const FaultReport& report);

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

/// Gets messages of the game, class 3 but for Symbol. `content` is well-formed, its symbols are bound, and it views
/// memory that is reused when the call returns. It may send messages; it must not close or destroy the session.
struct MessageReceiver {
  void (*take)(void* context, wire::Channel channel, message::Type type,
               std::span<const std::uint8_t> content) = nullptr;
  void* context = nullptr;
};

/// What is pointed to outlives the session, or its next start().
struct SessionOptions {
  wire::Path server;
  std::uint64_t protocol_id = 0;
  std::uint64_t server_id = 0;
  std::span<const std::uint8_t> token;  ///< copied by start(); at most token_bytes_max
  crypt::Secret token_secret;
  crypt::Entropy entropy;
  bool audit = false;  ///< ask the server for hashes of what it believes we hold
  Nanos connect_timeout = 10 * second;

  /// Memory of messages, which sessions of one thread may share. Null: no reliable channels, no game messages.
  channel::Pools* pools = nullptr;
  std::uint32_t message_bytes_max = message::message_bytes_max;  ///< the largest that is taken in fragments
  MessageReceiver on_message;
  channel::Packer* packer = nullptr;                 ///< null: what we send is not compressed
  const channel::Dictionary* dictionary = nullptr;   ///< null: we have none
  const crypt::IntegrityTable* integrity = nullptr;  ///< null: CheckIntegrity is not answered, and the build not named
};

/// Rising counts of one session.
struct SessionCounters {
  std::uint64_t messages_sent = 0, messages_received = 0;  ///< of the game, on any channel
  std::uint64_t resent = 0;                                ///< reliable datagrams that were lost
  std::uint32_t timeouts = 0;                              ///< retransmission timeouts that expired
  std::uint32_t rekeys = 0;
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
struct HeaderVerdict {
  metrics::Drop verdict = metrics::Drop::none;
  bool handshake = false;  ///< give it to accept_handshake, unopened
};

/// Its members lie in the order of how often they are needed: what every datagram touches is one run of cache lines at
/// the front, which `prefetch` asks for.
class alignas(64) Session {
 public:
  static constexpr unsigned inputs_per_datagram = 3;
  /// ConnectionAccepted tried for each Connect sent: every try costs a scalar multiplication, and forging one costs
  /// nothing.
  static constexpr std::uint8_t accepts_per_connect = 4;

  explicit Session(const view::ViewOptions& view = {}) noexcept : view_(view) {}

  /// Begin to connect: fresh ephemeral key, state connecting. Also after closed. False, and nothing changed: a token
  /// that is empty or too long.
  [[nodiscard]] bool start(const SessionOptions& options, Nanos now);
  /// End the session: one that plays sends three Disconnects (keep calling send), others end at once.
  void close(Nanos now) noexcept;

  // One datagram at a time.
  /// Process what arrived, in place. Drops are counted in `drops` and returned.
  metrics::Drop receive(std::span<std::uint8_t> datagram, const wire::Path& source, Nanos now,
                        metrics::DropCounters& drops);
  /// The next datagram that is due, ready for the wire, at most datagram_bytes_max; 0: nothing is due.
  [[nodiscard]] std::size_t send(std::span<std::uint8_t> to, Nanos now) noexcept;

  // The same in stages.
  [[nodiscard]] HeaderVerdict accept_header(const wire::Header& header, std::size_t bytes,
                                            const wire::Path& source) const noexcept;
  [[nodiscard]] metrics::Drop accept_handshake(std::span<std::uint8_t> datagram, const wire::Header& header, Nanos now);
  /// The key that the header's KeyPhase names: there is one when accept_header had nothing against it, else nullptr.
  [[nodiscard]] const std::uint8_t* opening_key(std::uint8_t flags) const noexcept { return keys_.opening_key(flags); }
  /// `body` is authentic plaintext. Messages that are dropped are counted in `drops`.
  [[nodiscard]] metrics::Drop accept_opened(const wire::Header& header, std::span<const std::uint8_t> body,
                                            const wire::Path& source, Nanos now, metrics::DropCounters& drops);
  /// Its result names this session's key: seal it before anything else is done with the session.
  [[nodiscard]] Outgoing compose(std::span<std::uint8_t> to, Nanos now) noexcept;

  /// Ask for the memory that a datagram of this session will touch, a few rows before its turn: for programs
  /// with more sessions than their cache holds.
  void prefetch() const noexcept;
  /// The least of it: what accept_header reads.
  void prefetch_header() const noexcept;

  /// Time passes: time-outs. `compose` and `send` do it too.
  void poll(Nanos now) noexcept;
  /// When to call send again, if nothing is received or submitted before.
  [[nodiscard]] Nanos wake_at() const noexcept;

  /// Queue an input; its sequence is given here and returned. It goes out with the next datagram, and again with the
  /// ones after it until the server has applied it or two newer ones have come.
  std::uint16_t submit(message::Input input) noexcept;

  /// Queue a message of the game, of class 3; content is copied. Channel 0: a short one goes with the next datagram, a
  /// long one in fragments, and nothing is repeated; channels 1 and 2: acked, or repeated until it is. Full: also when
  /// the session is not playing, or the server has not opened the channels yet.
  [[nodiscard]] channel::Queued send_message(wire::Channel channel, message::Type type,
                                             std::span<const std::uint8_t> content, channel::Urgency urgency,
                                             Nanos now) noexcept;

  /// From now on send from another UDP port of ours, as a NAT that rebinds would make it look.
  void use_local_port(std::uint16_t port) noexcept { server_.local_port = port; }

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
  [[nodiscard]] view::View& view() noexcept { return view_; }
  [[nodiscard]] const view::View& view() const noexcept { return view_; }
  /// The last input sequence that the server has applied; 0 before the first.
  [[nodiscard]] std::uint16_t applied_input() const noexcept { return applied_input_; }
  [[nodiscard]] std::uint16_t last_input() const noexcept { return input_sequence_; }
  [[nodiscard]] Nanos rtt() const noexcept { return sent_.round_trip().smoothed(); }
  [[nodiscard]] const FaultLog& faults() const noexcept { return faults_; }
  [[nodiscard]] const SessionCounters& counters() const noexcept { return counters_; }
  /// The reliable channels are open.
  [[nodiscard]] bool messages_open() const noexcept { return outbox_.is_open(); }
  /// The name that the server means by a symbol in a message; empty: the id is not bound.
  [[nodiscard]] std::string_view resolve(const message::SymbolRef& symbol) const noexcept;
  [[nodiscard]] std::uint8_t key_epoch() const noexcept { return keys_.epoch(); }

 private:
  /// A message that is sent again until it shows effect.
  struct Repeat {
    static constexpr Nanos first = 250 * millisecond;
    Nanos at = 0;
    Nanos after = first;
    void restart(Nanos now) noexcept { *this = {now, first}; }
    void back_off(Nanos now, Nanos most) noexcept;
  };
  /// What reliable channels hand their messages: this session, while it processes a datagram.
  struct Delivery {
    Session& session;
    std::uint64_t sequence;
    Nanos now;
    metrics::DropCounters& drops;
  };

  void enter(State state, Nanos now) noexcept;
  void finish(End end, Nanos now, std::uint64_t sequence = 0) noexcept;
  /// The server broke the protocol: send Disconnect three times, and process nothing more.
  void fail(End end, message::DisconnectReason why, Nanos now, std::uint64_t sequence) noexcept;
  [[nodiscard]] bool failed() const noexcept { return end_ != End::none && end_ != End::user; }
  void report(Fault fault, Nanos now, std::uint64_t sequence, std::uint8_t detail) noexcept;
  void wipe() noexcept;
  void expire(Nanos now) noexcept;
  void on_outcome(std::span<const channel::ClientSentDatagrams::Outcome> outcomes) noexcept;

  [[nodiscard]] metrics::Drop accept_clear(std::span<const std::uint8_t> body, Nanos now);
  [[nodiscard]] metrics::Drop accept_connection(std::span<std::uint8_t> datagram, const wire::Header& header,
                                                Nanos now);
  [[nodiscard]] metrics::Drop accept_body(const wire::Header& header, base::ByteReader in, Nanos now,
                                          metrics::DropCounters& drops);
  [[nodiscard]] metrics::Drop accept_acks(base::ByteReader& in, std::uint64_t sequence, Nanos now);
  [[nodiscard]] metrics::Drop accept_packed(const wire::Header& header, base::ByteReader in, Nanos now,
                                            metrics::DropCounters& drops);
  [[nodiscard]] metrics::Drop accept_rest(const wire::Header& header, base::ByteReader in, Nanos now,
                                          metrics::DropCounters& drops);
  [[nodiscard]] metrics::Drop accept_post(const wire::Header& header, base::ByteReader in, Nanos now,
                                          metrics::DropCounters& drops);
  void accept_messages(base::ByteReader body, const wire::Header& header, Nanos now, metrics::DropCounters& drops);
  [[nodiscard]] metrics::Drop accept_message(const message::Framed& framed, const wire::Header& header, Nanos now);
  [[nodiscard]] metrics::Drop accept_disconnect(std::span<const std::uint8_t> content, std::uint64_t sequence,
                                                Nanos now);
  [[nodiscard]] metrics::Drop accept_reliable_handshake(std::span<const std::uint8_t> content, std::uint8_t flags);
  void accept_update(std::uint64_t sequence, Nanos now) noexcept;
  void count(metrics::Drop verdict, message::Type type, std::uint64_t sequence, Nanos now,
             metrics::DropCounters& drops) noexcept;

  static bool take(void* context, wire::Channel channel, message::Type type, std::span<const std::uint8_t> content);
  static bool take_block(void* context, wire::Channel channel, std::uint16_t block, std::uint32_t bytes);
  [[nodiscard]] metrics::Drop accept_control(wire::Channel channel, const message::Framed& framed,
                                             std::uint64_t sequence, Nanos now);
  [[nodiscard]] metrics::Drop accept_game(wire::Channel channel, const message::Framed& framed);
  [[nodiscard]] metrics::Drop accept_symbol(wire::Channel channel, std::span<const std::uint8_t> content);
  [[nodiscard]] metrics::Drop accept_rekey(std::span<const std::uint8_t> content, std::uint64_t sequence, Nanos now);
  [[nodiscard]] metrics::Drop accept_check(std::span<const std::uint8_t> content);
  [[nodiscard]] metrics::Drop judge_game(const message::Framed& framed);
  void send_answers(Nanos now) noexcept;

  [[nodiscard]] Outgoing compose_connect(std::span<std::uint8_t> to, Nanos now) noexcept;
  [[nodiscard]] Outgoing compose_sealed(std::span<std::uint8_t> to, Nanos now) noexcept;
  /// What stands behind the ack block, and what an ack of it will be about.
  struct Payload {
    channel::SentPacket packet;
    wire::Channel channel{};
    std::uint8_t flags = 0;
    bool paced = false;
  };
  [[nodiscard]] Payload write_payload(base::ByteWriter& out, bool messages_due, Nanos now) noexcept;
  void write_messages(base::ByteWriter& out, Payload& payload, Nanos now) noexcept;
  void write_repeated(base::ByteWriter& out, Payload& payload, Nanos now) noexcept;
  void write_inputs(base::ByteWriter& out) noexcept;
  [[nodiscard]] std::size_t pack(std::span<std::uint8_t> rest) noexcept;
  [[nodiscard]] bool messages_due(Nanos now) const noexcept;
  [[nodiscard]] bool ping_due(Nanos now) const noexcept;
  /// When what obeys the congestion window may leave: messages of the game that are `due` by themselves.
  [[nodiscard]] Nanos window_at(Nanos due) const noexcept;
  [[nodiscard]] Nanos reliable_at() const noexcept { return window_at(outbox_.due_at()); }
  [[nodiscard]] Nanos notes_at() const noexcept { return window_at(outbox_.unreliable_due_at()); }
  /// When ReliableHandshake is to be sent; ~0: not (any more).
  [[nodiscard]] Nanos shake_at() const noexcept;
  [[nodiscard]] Nanos silence_max() const noexcept { return std::max(timeout_, 6 * rtt()); }
  /// Something was received, or acknowledged: when the next acknowledgment is due.
  void note_acks() noexcept { ack_at_ = received_.due_at(ack_delay_max_); }
  /// What is in flight has changed: when it times out.
  void note_in_flight() noexcept { lost_at_ = sent_.timeout_at(); }

  // Of every datagram
  State state_ = State::idle;
  End end_ = End::none;
  bool audit_ = false;
  bool input_pending_ = false;
  bool answers_wait_ = false;  ///< rekey_answer_ or integrity_answer_ is there
  std::uint8_t disconnects_left_ = 0;
  std::uint8_t accepts_left_ = 0;
  std::uint8_t pongs_ = 0;
  std::uint32_t connection_id_ = 0;
  std::uint16_t input_sequence_ = 0;
  std::uint16_t applied_input_ = 0;

  wire::Path server_;
  crypt::ReplayWindow replay_;
  Nanos ack_at_ = ~Nanos{0};   ///< when we acknowledge; ~0: nothing is to be
  Nanos lost_at_ = ~Nanos{0};  ///< when what is in flight times out; ~0: nothing is
  Nanos heard_at_ = 0;
  Nanos pinged_at_ = 0;
  Nanos sweep_at_ = 0;
  Nanos timeout_ = 0, idle_ping_ = 0, ack_delay_max_ = 0;  ///< as the server stated them
  Repeat repeat_;                                          ///< of the state's message
  Repeat shake_;                                           ///< of ReliableHandshake
  channel::ReceivedDatagrams received_;
  channel::Congestion congestion_;
  SendBudget budget_;
  crypt::SecretNumbers secrets_{crypt::Entropy{}};  ///< sequences to leave out, ids of Pings
  /// The newest inputs as they are sent, by sequence modulo.
  struct EncodedInput {
    std::array<std::uint8_t, 2 + message::input_float_content_bytes> bytes{};
    std::uint8_t size = 0;
  };
  std::array<EncodedInput, inputs_per_datagram> inputs_{};
  channel::Packer* packer_ = nullptr;
  KeyRing keys_;
  view::View view_;
  // Messages of the game, and what the server asks on channel 1
  Outbox outbox_;

  // Of few datagrams, or of the handshake
  Nanos started_at_ = 0;
  Nanos denied_at_ = 0;
  Nanos connect_timeout_ = 10 * second;
  MessageReceiver on_message_;
  const channel::Dictionary* dictionary_ = nullptr;
  const crypt::IntegrityTable* integrity_ = nullptr;
  std::uint32_t message_bytes_max_ = 0;
  bool dictionary_agreed_ = false;
  std::optional<message::SymbolPool> symbols_;  ///< made when the first is bound: many sessions never need it
  std::optional<message::Rekey> rekey_answer_;  ///< waits for a place in the queue of channel 1
  std::optional<message::IntegrityAnswer> integrity_answer_;
  SessionCounters counters_;

  struct PendingPong {
    message::Ping ping;
    Nanos at = 0;
  };
  std::array<PendingPong, 2> pong_{};

  // Of the handshake
  std::uint64_t protocol_id_ = 0, server_id_ = 0;
  crypt::KeyPair ephemeral_;
  crypt::Secret token_secret_;
  crypt::Entropy entropy_;  ///< kept: each rekey needs a key pair
  crypt::Cookie cookie_{};
  message::CryptoTest test_;
  std::array<std::uint8_t, crypt::token_bytes_max> token_{};
  std::uint16_t token_bytes_ = 0;

  message::DenyReason deny_reason_{};
  std::uint32_t retry_after_ms_ = 0;
  message::DisconnectReason disconnect_ = message::DisconnectReason::user;
  message::DisconnectReason disconnect_reason_{};
  std::array<char, message::disconnect_text_bytes_max> disconnect_text_{};
  std::uint8_t disconnect_text_bytes_ = 0;

  message::ConnectionAccepted parameters_;
  FaultLog faults_;
  wire::CrcSeed crc_{0};
  channel::ClientSentDatagrams sent_;  ///< last: 12 KiB
};

}  // namespace serried::peer
