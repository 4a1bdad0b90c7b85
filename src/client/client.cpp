/// The public client: a Session, a socket, a clock, and a lock around them. This is the client's outermost loop, the
/// one place of the library that reads the time. Nothing of the game is called while the lock is held, so that it may
/// call any member.

#include "serried/client.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <optional>
#include <thread>

#include "base/clock.h"
#include "channel/dictionary.h"
#include "channel/pack.h"
#include "client/inbox.h"
#include "client/requests.h"
#include "client/scene.h"
#include "client/udp.h"
#include "peer/input_pacer.h"
#include "peer/session.h"
#include "wire/endpoint.h"

namespace serried {

namespace {

[[nodiscard]] Nanos nanos(std::chrono::nanoseconds span) noexcept {
  return static_cast<Nanos>(std::max<std::int64_t>(span.count(), 0));
}

[[nodiscard]] ClientState outward(peer::State state) noexcept {
  switch (state) {
    case peer::State::idle:
      return ClientState::idle;
    case peer::State::playing:
      return ClientState::playing;
    case peer::State::closing:
      return ClientState::closing;
    case peer::State::closed:
      return ClientState::closed;
    default:
      return ClientState::connecting;
  }
}

[[nodiscard]] SendResult outward(channel::Queued queued) noexcept {
  switch (queued) {
    case channel::Queued::yes:
      return SendResult::queued;
    case channel::Queued::too_long:
      return SendResult::too_long;
    default:
      return SendResult::full;
  }
}

/// Messages of one client: both queues of both channels full, what waits for an earlier one, and a few long ones.
constexpr std::uint32_t chunks = 1'024;
constexpr std::uint16_t small_blocks = 8, large_blocks = 5;

/// A share of what may come in one poll, so that a flood cannot keep the caller for ever.
constexpr int datagrams_per_poll = 256;
/// An input that another thread submits during the wait goes out when it is over.
constexpr Nanos thread_wait = 2 * millisecond;
/// What input_wait() says while there is nothing to wait for yet.
constexpr Nanos wait_until_playing = 10 * millisecond;
constexpr unsigned input_ticks_max = 1'000;
constexpr Nanos disconnect_wait = 10 * millisecond;

}  // namespace

struct Client::Implementation {
  explicit Implementation(ClientOptions given)
      : options(std::move(given)),
        session({options.far_entities ? view::FarMode::full : view::FarMode::none, nanos(options.far_timeout),
                 nanos(options.interpolation_delay)}),
        requests(options.player_id) {}

  Result<Done> connect();
  Result<Done> load();
  template <class Callback>
  void set(Callback& place, Callback given);
  void exchange();
  void note_applied(Nanos now) noexcept;
  void note_left(std::uint16_t sequence, Nanos now) noexcept;
  void announce();
  bool round();
  bool wait_round(Nanos span);

  ClientOptions options;
  StateCallback callback;
  client::InboxCallbacks callbacks;
  std::optional<crypt::IntegrityTable> integrity;
  std::optional<channel::Dictionary> dictionary;

  mutable std::mutex mutex;  ///< guards all below but the thread, and callbacks that are set; held by no call outward
  bool begun = false;        ///< the token is spent
  bool telling = false;      ///< callbacks are being called: no other thread calls them, or replaces them
  std::vector<std::function<void()>> replacements;        ///< of callbacks, set meanwhile
  mutable std::vector<std::vector<SceneEntity>> scratch;  ///< memory of scenes, as many as are visited at once
  channel::Pools pools{chunks, small_blocks, large_blocks};
  channel::Packer packer;
  client::Inbox inbox;
  peer::Session session;
  client::Requests requests;
  peer::InputPacer pacer;
  Nanos input_left = 0;         ///< when the last one was submitted
  Nanos input_due = 0;          ///< of the next, once input_wait() was called
  std::uint16_t accounted = 0;  ///< the last input that the pacer knows to be applied
  std::optional<client::Udp> udp;
  metrics::DropCounters drops;
  ClientStatistics statistics;
  ClientState told = ClientState::idle;

  std::thread thread;
  std::atomic<bool> stopping{false};
};

/// What the game's files say.
Result<Done> Client::Implementation::load() {
  integrity.reset();
  dictionary.reset();
  if (!options.integrity_table.empty()) {
    Result<crypt::IntegrityTable> table = crypt::parse_integrity_table(base::as_text(options.integrity_table));
    if (!table) return table.error().within("the integrity table");
    integrity = std::move(table).value();
  }
  if (!options.dictionary.empty()) {
    Result<channel::Dictionary> parsed = channel::parse_dictionary(options.dictionary);
    if (!parsed) return parsed.error().within("the dictionary");
    dictionary.emplace(std::move(parsed).value());
  }
  return Done{};
}

Result<Done> Client::Implementation::connect() {
  const std::scoped_lock lock(mutex);
  if (begun) return Error{"connect() was called before, and a token lets its player in once: make a new Client"};
  if (!crypt::initialise()) return Error{"the cryptographic library cannot be initialised on this machine"};
  if (const auto loaded = load(); !loaded) return loaded.error();
  Result<wire::Path> server = wire::parse_endpoint(options.server);
  if (!server) return server.error();
  Result<client::Udp> socket = client::Udp::open(server.value(), options.socket_bytes);
  if (!socket) return socket.error();
  peer::SessionOptions session_options;
  session_options.server = server.value();
  session_options.protocol_id = options.protocol_id;
  session_options.server_id = options.server_id;
  session_options.token = options.token;
  session_options.token_secret = crypt::Secret(options.token_secret);
  session_options.audit = options.audit;
  session_options.connect_timeout = nanos(options.connect_timeout);
  session_options.pools = &pools;
  session_options.packer = &packer;
  session_options.integrity = integrity ? &*integrity : nullptr;
  session_options.dictionary = dictionary ? &*dictionary : nullptr;
  session_options.on_message = inbox.receiver(session);
  if (!session.start(session_options, base::now()))
    return Error{"the token has " + std::to_string(options.token.size()) + " bytes; a token has 1 to " +
                 std::to_string(crypt::token_bytes_max)};
  begun = true;
  crypt::wipe(options.token_secret);
  udp.emplace(std::move(socket.value()));
  return Done{};
}

/// A callback that is running stays until it has returned.
template <class Callback>
void Client::Implementation::set(Callback& place, Callback given) {
  // What the old callback holds may call the client as it goes: it goes with `given`, without the lock.
  const std::scoped_lock lock(mutex);
  if (telling)
    replacements.emplace_back([&place, given = std::move(given)]() mutable { std::swap(place, given); });
  else
    std::swap(place, given);
}

/// One round under the lock.
void Client::Implementation::exchange() {
  const std::scoped_lock lock(mutex);
  if (!udp) return;
  // One byte more than a datagram may have: what is longer shows as too long instead of being cut to fit.
  std::array<std::uint8_t, wire::datagram_bytes_max + 1> buffer;
  for (int i = 0; i < datagrams_per_poll; ++i) {
    const std::size_t bytes = udp->receive(buffer);
    if (bytes == 0) break;
    ++statistics.received_datagrams;
    statistics.received_bytes += bytes;
    const Nanos now = base::now();
    const metrics::Drop verdict = session.receive({buffer.data(), bytes}, session.server(), now, drops);
    if (verdict != metrics::Drop::none) ++statistics.dropped_datagrams;
    note_applied(now);
  }
  while (const std::size_t bytes = session.send(buffer, base::now())) {
    if (!udp->send({buffer.data(), bytes})) break;
    ++statistics.sent_datagrams;
    statistics.sent_bytes += bytes;
  }
}

void Client::Implementation::note_applied(Nanos now) noexcept {
  const std::uint16_t applied = session.applied_input();
  if (applied == accounted) return;
  accounted = applied;
  pacer.applied(applied, session.last_input(), now);
}

void Client::Implementation::note_left(std::uint16_t sequence, Nanos now) noexcept {
  pacer.left(sequence, now);
  input_left = now;
  if (pacer.interval() == 0) return;
  // Off by an interval, it starts anew: late inputs are not made up for, and early ones are no debt.
  const Nanos off = now > input_due ? now - input_due : input_due - now;
  input_due = pacer.due_after(off < pacer.interval() ? input_due : now, now, session.view().clock());
}

/// False: closed, or not begun.
bool Client::Implementation::round() {
  exchange();
  announce();
  const std::scoped_lock lock(mutex);
  return udp && session.state() != peer::State::closed;
}

bool Client::Implementation::wait_round(Nanos span) {
  client::Udp* waited = nullptr;
  {
    const std::scoped_lock lock(mutex);
    const Nanos now = base::now(), wake = session.wake_at();
    span = wake > now ? std::min(wake - now, span) : 0;
    if (udp) waited = &*udp;
  }
  // Waiting needs no lock: the socket stays as long as the client does.
  if (waited != nullptr && span != 0) waited->wait(span);
  return round();
}

/// Tell the callbacks of messages and of a new state, without the lock. One at a time does it, so that messages keep
/// their order: where a callback polls, or another thread, what came is told by the one that is telling.
void Client::Implementation::announce() {
  using Replacements = std::vector<std::function<void()>>;
  Replacements replaced;  // what was, after the lock
  struct Telling {
    Implementation& self;
    Replacements& replaced;
    bool ended = false;
    Telling(Implementation& of, Replacements& out) : self(of), replaced(out) {}
    /// Precondition: the lock is held.
    void end() {
      ended = true;
      self.telling = false;
      replaced = std::exchange(self.replacements, {});
      for (const auto& replace : replaced) replace();
    }
    ~Telling() {
      if (ended) return;
      const std::scoped_lock lock(self.mutex);  // a callback has thrown
      end();
    }
  };
  std::optional<Telling> telling_now;
  for (;;) {
    ClientState state;
    bool fresh = false;
    std::string reason;
    std::vector<client::InboxMessage> come;
    {
      const std::scoped_lock lock(mutex);
      if (telling && !telling_now) return;
      state = outward(session.state());
      fresh = state != told;
      told = state;
      if (fresh && state == ClientState::closed) reason = session.end_text();
      come = inbox.empty_out();
      if (!fresh && come.empty()) {
        // In the same breath as the last look: what another thread receives from here on is its own to tell.
        if (telling_now) telling_now->end();
        break;
      }
      telling = true;
    }
    if (!telling_now) telling_now.emplace(*this, replaced);
    // What ends a connection comes last; what begins it comes first.
    if (fresh && state != ClientState::closed && callback) callback(state, reason);
    for (const client::InboxMessage& one : come) client::deliver(one, callbacks);
    if (fresh && state == ClientState::closed && callback) callback(state, reason);
  }
}

Client::Client(ClientOptions options) : implementation_(std::make_unique<Implementation>(std::move(options))) {}
Client::Client(Client&&) noexcept = default;

Client& Client::operator=(Client&& other) noexcept {
  if (this == &other) return *this;
  if (implementation_ != nullptr) disconnect();
  implementation_ = std::move(other.implementation_);
  return *this;
}

Client::~Client() {
  if (implementation_ != nullptr) disconnect();
}

void Client::on_state(StateCallback callback) { implementation_->set(implementation_->callback, std::move(callback)); }
void Client::on_message(MessageCallback callback) {
  implementation_->set(implementation_->callbacks.message, std::move(callback));
}
void Client::on_chat(ChatCallback callback) {
  implementation_->set(implementation_->callbacks.chat, std::move(callback));
}
void Client::on_action_result(ActionCallback callback) {
  implementation_->set(implementation_->callbacks.action, std::move(callback));
}
void Client::on_state_update(NamedStateCallback callback) {
  implementation_->set(implementation_->callbacks.state, std::move(callback));
}

Result<Done> Client::connect() {
  Result<Done> begun = implementation_->connect();
  if (begun) implementation_->round();
  return begun;
}

bool Client::poll() { return implementation_->round(); }

bool Client::poll(std::chrono::nanoseconds wait) { return implementation_->wait_round(nanos(wait)); }

void Client::run() {
  Implementation& self = *implementation_;
  if (self.thread.joinable()) return;
  self.stopping = false;
  // It knows the implementation, not the client, which may be moved meanwhile.
  self.thread = std::thread([&self] {
    while (!self.stopping && self.wait_round(thread_wait)) {
    }
  });
}

void Client::stop() {
  implementation_->stopping = true;
  if (implementation_->thread.joinable() && implementation_->thread.get_id() != std::this_thread::get_id())
    implementation_->thread.join();
}

void Client::disconnect() {
  Implementation& self = *implementation_;
  {
    const std::scoped_lock lock(self.mutex);
    self.session.close(base::now());
  }
  if (self.thread.joinable() && self.thread.get_id() == std::this_thread::get_id()) return;  // from a callback
  if (self.thread.joinable() && !self.stopping) {
    self.thread.join();  // it ends with the connection
  } else {
    while (self.wait_round(disconnect_wait)) {
    }
  }
  stop();
}

std::uint16_t Client::submit(const ClientInput& input) {
  Implementation& self = *implementation_;
  const std::scoped_lock lock(self.mutex);
  if (!self.session.connected()) return 0;
  const float length = std::max(std::hypot(input.move_x, input.move_y), 1.0F);
  const auto step = [length](float value) {
    return std::isfinite(value / length) ? static_cast<std::int8_t>(std::lround(127.0F * value / length))
                                         : std::int8_t{0};
  };
  message::Input out;
  out.move_x = step(input.move_x);
  out.move_y = step(input.move_y);
  out.yaw = std::isfinite(input.yaw) ? message::quantise_angle(input.yaw) : std::int16_t{0};
  out.buttons =
      static_cast<std::uint8_t>((input.crouch ? message::button::crouch : 0) | (input.run ? message::button::run : 0));
  const Nanos now = base::now();
  out.client_tick = self.session.view().clock().number_at(now);
  const std::uint16_t sequence = self.session.submit(out);
  self.note_left(sequence, now);
  return sequence;
}

std::chrono::nanoseconds Client::input_wait(unsigned ticks) {
  Implementation& self = *implementation_;
  const std::scoped_lock lock(self.mutex);
  const Nanos now = base::now();
  if (!self.session.connected()) return std::chrono::nanoseconds(wait_until_playing);
  const view::TickClock& clock = self.session.view().clock();
  const Nanos interval = std::clamp(ticks, 1U, input_ticks_max) * clock.period();
  if (interval != self.pacer.interval()) {
    self.pacer.configure(interval, clock);
    self.input_due = std::max(now, self.input_left != 0 ? self.input_left + interval : 0);
  }
  return std::chrono::nanoseconds(self.input_due > now ? self.input_due - now : 0);
}

SendResult Client::send(Delivery delivery, std::uint8_t type, std::span<const std::uint8_t> content) {
  if (type < game_type_first) return SendResult::too_long;
  Implementation& self = *implementation_;
  const std::scoped_lock lock(self.mutex);
  if (!self.session.connected()) return SendResult::not_playing;
  return outward(self.requests.own(self.session, static_cast<wire::Channel>(delivery), static_cast<message::Type>(type),
                                   content, base::now()));
}

SendResult Client::chat(ChatScope scope, std::string_view text) {
  if (scope == ChatScope::server) return SendResult::too_long;
  Implementation& self = *implementation_;
  const std::scoped_lock lock(self.mutex);
  if (!self.session.connected()) return SendResult::not_playing;
  return outward(self.requests.chat(self.session, static_cast<message::ChatScope>(scope), text, base::now()));
}

std::uint32_t Client::action(std::uint16_t action, std::uint64_t target) {
  Implementation& self = *implementation_;
  const std::scoped_lock lock(self.mutex);
  std::uint32_t request = 0;
  return self.requests.action(self.session, action, target, request, base::now()) == channel::Queued::yes ? request : 0;
}

std::uint32_t Client::command(std::string_view name, std::span<const std::uint8_t> bytes) {
  Implementation& self = *implementation_;
  const std::scoped_lock lock(self.mutex);
  std::uint32_t sequence = 0;
  return self.requests.command(self.session, name, bytes, sequence, base::now()) == channel::Queued::yes ? sequence : 0;
}

std::uint16_t Client::applied_input() const {
  const std::scoped_lock lock(implementation_->mutex);
  return implementation_->session.applied_input();
}

ClientState Client::state() const {
  const std::scoped_lock lock(implementation_->mutex);
  return outward(implementation_->session.state());
}

std::string Client::reason() const {
  const std::scoped_lock lock(implementation_->mutex);
  return implementation_->session.state() == peer::State::closed ? implementation_->session.end_text() : std::string();
}

std::chrono::nanoseconds Client::rtt() const {
  const std::scoped_lock lock(implementation_->mutex);
  return std::chrono::nanoseconds(implementation_->session.rtt());
}

std::uint32_t Client::server_tick() const {
  const std::scoped_lock lock(implementation_->mutex);
  return implementation_->session.view().clock().latest();
}

ClientStatistics Client::statistics() const {
  const std::scoped_lock lock(implementation_->mutex);
  ClientStatistics out = implementation_->statistics;
  const view::View& view = implementation_->session.view();
  const view::ViewCounters& counters = view.counters();
  out.updates = counters.updates;
  out.creates = counters.creates;
  out.records = counters.records;
  out.removals = counters.removals;
  out.far_records = counters.far_records;
  out.audits = counters.audits;
  out.view_mismatches = counters.mismatches;
  out.faults = implementation_->session.faults().total();
  out.tracked = view.tracked_count();
  out.interpolation_delay = std::chrono::nanoseconds(view.scene_clock().delay());
  const peer::SessionCounters& session = implementation_->session.counters();
  out.messages_sent = session.messages_sent;
  out.messages_received = session.messages_received;
  out.resent_datagrams = session.resent;
  out.timeouts = session.timeouts;
  out.rekeys = session.rekeys;
  return out;
}

std::vector<std::string> Client::faults() const {
  const std::scoped_lock lock(implementation_->mutex);
  const peer::FaultLog& log = implementation_->session.faults();
  std::vector<std::string> out;
  for (std::size_t i = 0; i < std::min<std::size_t>(log.total(), peer::FaultLog::capacity); ++i)
    out.push_back(peer::fault_text(log.recent(i)));
  return out;
}

/// The visitor gets copies: it runs without the lock, and the thread of run() need not wait for what it draws.
void Client::scene(const std::function<void(const SceneEntity&)>& visit) const {
  const Implementation& self = *implementation_;
  std::vector<SceneEntity> shown;
  {
    const std::scoped_lock lock(self.mutex);
    if (!self.scratch.empty()) {
      shown = std::move(self.scratch.back());
      self.scratch.pop_back();
    }
    const Nanos now = base::now();
    client::for_each_in_scene(self.session.view(), now, [&](const SceneEntity& entity) { shown.push_back(entity); });
  }
  for (const SceneEntity& entity : shown) visit(entity);
  shown.clear();
  const std::scoped_lock lock(self.mutex);
  self.scratch.push_back(std::move(shown));
}

bool Client::own(SceneEntity& out) const {
  const Implementation& self = *implementation_;
  const std::scoped_lock lock(self.mutex);
  const view::Tracked* own = self.session.view().own();
  if (own == nullptr) return false;
  out = client::scene_of(self.session.view(), *own, base::now());
  return true;
}

}  // namespace serried
