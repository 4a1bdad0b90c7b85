#pragma once
/// The client library: one player's connection to a Serried server, without DPDK and without any type but the
/// standard's. Several clients may live in one process, each with its own socket.
///
/// Two ways to run one: call `poll()` from your own loop, as often as you draw; or `run()` it on a thread of its own.
/// With a thread, callbacks come on that thread, and every other member may be called from any.
///
///     serried::Client client(options);
///     if (const auto begun = client.connect(); !begun) return complain(begun.error().message);
///     while (playing) {
///       client.poll(client.input_wait());
///       if (client.input_wait() == 0ns) client.submit({.move_x = 1.0F, .yaw = heading});
///       client.scene([](const serried::SceneEntity& entity) { draw(entity); });
///     }
///     client.disconnect();

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "serried/result.h"

namespace serried {

struct ClientOptions {
  /// "192.0.2.1:4000", "[2001:db8::1]:4000", "[fe80::1%eth0]:4000"; addresses only, names are not looked up
  std::string server;
  std::uint64_t protocol_id = 0;                ///< names the game
  std::uint64_t server_id = 0;                  ///< names the server
  std::vector<std::uint8_t> token;              ///< from the login service; lets the player in once
  std::array<std::uint8_t, 32> token_secret{};  ///< from the login service, beside the token; wiped by connect()
  std::chrono::milliseconds connect_timeout{10'000};
  /// How far behind the server the scene is drawn, at least. Where updates come late or seldom, it grows with them, up
  /// to 250 ms, and shrinks again; so slowly that the scene goes at most 2 % faster or slower. 0: nothing is
  /// interpolated, the scene is what was received last.
  std::chrono::milliseconds interpolation_delay{100};
  /// A far entity that was not told of for so long is gone; where the server takes longer to tell of all, as of a
  /// crowd, after two of its turns and a bit, at most 60 s.
  std::chrono::milliseconds far_timeout{4'000};
  bool far_entities = true;    ///< keep those that are in view, but too far to be tracked
  bool audit = false;          ///< ask the server to check our view against what it believes we hold
  int socket_bytes = 1 << 20;  ///< receive buffer asked of the system

  std::uint64_t player_id = 0;                ///< from the login service, beside the token; commands name it
  std::vector<std::uint8_t> integrity_table;  ///< contents of the file that serried-integrity made; empty: none
  std::vector<std::uint8_t> dictionary;       ///< contents of the game's compression dictionary; empty: none
};

/// How a message travels. Ordered and unordered ones arrive exactly once, or the connection ends.
enum class Delivery : std::uint8_t { unreliable, ordered, unordered };

/// What became of a message that was to be sent.
enum class SendResult : std::uint8_t {
  queued,
  not_playing,
  full,      ///< too much is waiting for acks, or so much so fast is no server's to take: try again later
  too_long,  ///< or empty, no UTF-8, or of a type that is not the game's
};

/// The first type that is the game's own; those up to 0xFF are.
inline constexpr std::uint8_t game_type_first = 0xD0;

enum class ChatScope : std::uint8_t { near, everybody, server };
struct ChatLine {
  ChatScope scope{};
  std::uint64_t sender = 0;  ///< entity id of the speaker; 0: the server
  std::string text;
};

/// no_such_target and not_now are for games that have targets and times: the reference game answers neither.
enum class ActionOutcome : std::uint8_t { done, unknown_action, refused, no_such_target, not_now };

/// What the server says by names, often in answer to a command.
struct NamedState {
  struct Component {
    std::string name;
    std::vector<std::uint8_t> bytes;
  };
  std::uint64_t timestamp_ns = 0;
  std::uint64_t entity = 0;
  std::uint8_t priority = 0;
  std::uint32_t sequence = 0;  ///< of the command that it answers
  std::vector<Component> components;
};

enum class ClientState : std::uint8_t { idle, connecting, playing, closing, closed };

/// What the player wants, in the world's directions.
struct ClientInput {
  float move_x = 0, move_y = 0;  ///< length 1 is full speed; longer is shortened
  float yaw = 0;                 ///< radians
  bool crouch = false, run = false;
};

/// One entity as it is to be drawn now: as it was interpolation_delay ago. It comes and goes in the scene when it came
/// and went then. Of one that nothing new has come of in time, its velocity says for 100 ms where it is; then it
/// stands.
/// Units   100 a metre, radians
struct SceneEntity {
  std::uint64_t id = 0;  ///< 0: not known (a far entity)
  std::uint16_t slot = 0;
  std::uint8_t generation = 0;
  std::uint8_t type = 0, faction = 0;
  std::uint16_t level = 0;
  bool own = false;                 ///< the player's own
  bool far = false;                 ///< place and yaw only, and coarse
  std::array<float, 3> position{};  ///< interpolated
  std::array<float, 3> received{};  ///< where it was when the server last spoke of it
  std::array<float, 3> velocity{};
  float yaw = 0;
  std::uint8_t animation = 0, state_flags = 0, effect_flags = 0;
  float health = 0, mana = 0;      ///< fractions
  std::chrono::nanoseconds age{};  ///< since the server last spoke of it
};

struct ClientStatistics {
  std::uint64_t sent_datagrams = 0, received_datagrams = 0, sent_bytes = 0, received_bytes = 0;
  std::uint64_t dropped_datagrams = 0;  ///< received and not believed: bad CRC, forged, seen before
  std::uint64_t updates = 0, creates = 0, records = 0, removals = 0, far_records = 0;
  std::uint64_t audits = 0, view_mismatches = 0;
  std::uint64_t faults = 0;
  std::uint64_t tracked = 0;
  std::chrono::nanoseconds interpolation_delay{};          ///< that the scene has, or comes to
  std::uint64_t messages_sent = 0, messages_received = 0;  ///< of the game
  std::uint64_t resent_datagrams = 0;  ///< reliable ones that were lost, and whose messages were sent again
  std::uint64_t timeouts = 0;          ///< retransmission timeouts
  std::uint64_t rekeys = 0;            ///< changes of keys
};

class Client {
 public:
  /// Called when the state changes; `reason` is a sentence for closed, else empty.
  using StateCallback = std::function<void(ClientState state, const std::string& reason)>;

  explicit Client(ClientOptions options);
  /// Ends the thread and the connection.
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  /// A message of the game's own types. `content` is good until the callback returns.
  using MessageCallback =
      std::function<void(Delivery delivery, std::uint8_t type, std::span<const std::uint8_t> content)>;
  using ChatCallback = std::function<void(const ChatLine& line)>;
  using ActionCallback = std::function<void(std::uint32_t request, ActionOutcome outcome)>;
  using NamedStateCallback = std::function<void(const NamedState& state)>;

  /// They are called by poll(), disconnect() and the thread of run(), one at a time, and may call every member but the
  /// destructor and the assignment, of this client and of others. What comes while one of them polls is told when it
  /// has returned; one that ends the connection is told of that when it has returned. Set inside a callback, they hold
  /// from the next poll on.
  void on_state(StateCallback callback);
  void on_message(MessageCallback callback);
  void on_chat(ChatCallback callback);
  void on_action_result(ActionCallback callback);
  void on_state_update(NamedStateCallback callback);

  /// Open the socket and begin. Error: the server's address or the token does not parse, no socket to be had; or it was
  /// called before, since a token lets in once.
  Result<Done> connect();
  /// Receive what has come, send what is due. False once the connection is closed.
  bool poll();
  /// The same, after waiting for a datagram or until something is due, but no longer than `wait`.
  bool poll(std::chrono::nanoseconds wait);
  /// Poll on a thread of its own, until closed or stop(). Nothing happens while there is one.
  void run();
  /// End the thread, and wait for it; called on that thread, it ends when the callback has returned.
  void stop();
  /// Tell the server that the player leaves, and end the connection. With poll(), it does the polling itself, some 50
  /// ms; with run(), the thread does and is waited for, but not by a callback on that thread, which returns first.
  void disconnect();

  /// Queue an input and send it with the next poll; returns its sequence. 0: not playing, nothing queued.
  std::uint16_t submit(const ClientInput& input);
  /// How long until the next input should be submitted, for one input in every `ticks` of the server's (1 to 1,000; an
  /// input holds for a quarter of a second). 0: now. Each submit() counts as the one that was due. The times are
  /// shifted so that inputs reach the server well before the tick that is for them; inputs submitted at other times
  /// show their effect up to two ticks later. While not playing it is 10 ms: ask again then.
  [[nodiscard]] std::chrono::nanoseconds input_wait(unsigned ticks = 1);
  /// The last input that is in what the server shows.
  [[nodiscard]] std::uint16_t applied_input() const;

  /// Queue a message of the game's own, type game_type_first or above; it goes with the next polls. Long ones, up to
  /// what the server takes (at most 512 KiB), go in fragments, one at a time: full while one is on its way.
  SendResult send(Delivery delivery, std::uint8_t type, std::span<const std::uint8_t> content);
  /// Say something: `scope` is `near` or `everybody`, `text` has 1 to 256 bytes of UTF-8. Five lines at once, then two
  /// a second.
  SendResult chat(ChatScope scope, std::string_view text);
  /// Ask for an action; `target` is an entity's id, or 0. Returns the number that comes back with its outcome; 0: it
  /// was not queued.
  std::uint32_t action(std::uint16_t action, std::uint64_t target);
  /// Send a named command; `name` of 1 to 64 bytes of UTF-8, at most 1,000 `bytes`. Returns the sequence that comes
  /// back in the state that answers; 0: it was not queued.
  std::uint32_t command(std::string_view name, std::span<const std::uint8_t> bytes);

  [[nodiscard]] ClientState state() const;
  [[nodiscard]] std::string reason() const;  ///< why it closed
  [[nodiscard]] std::chrono::nanoseconds rtt() const;
  [[nodiscard]] std::uint32_t server_tick() const;
  [[nodiscard]] ClientStatistics statistics() const;
  /// What the server did wrong, the last first, a sentence each; at most eight.
  [[nodiscard]] std::vector<std::string> faults() const;

  /// Visit everything in view, as it is at the moment of the call. The visitor may call every member but the destructor
  /// and the assignment; what it visits stays the same meanwhile.
  void scene(const std::function<void(const SceneEntity&)>& visit) const;
  /// The player's own entity. False: not in the world (yet).
  [[nodiscard]] bool own(SceneEntity& out) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace serried
