#include "tools/swarm/fleet.h"

#include <algorithm>
#include <string>

#include "wire/compose.h"

namespace serried::tools {

namespace {

using metrics::Drop;

/// Issuing a token and making a key take some 100 us: a few a round, so that bots that play are not late.
constexpr unsigned starts_per_round = 4;
constexpr Nanos closing_max = second;
constexpr std::int64_t token_lifetime_s = 300;
constexpr unsigned bots_per_sample = 8;
/// How long before the server's tick inputs should arrive, in ticks.
constexpr float input_margin_min = 0.25F, input_margin_spread = 0.4F;

/// What waits for an ack is little as long as bots only chat: memory for a few messages of each, and for some long
/// ones.
std::uint32_t chunks_for(std::uint32_t bots) { return std::clamp(16 * bots, 1'024U, 65'536U); }
constexpr std::uint16_t small_blocks = 256, large_blocks = 16;

}  // namespace

Fleet::Fleet(const SwarmOptions& options, const crypt::TokenKey& key, const crypt::Entropy& entropy,
             std::span<const std::uint16_t> local_ports, Nanos now)
    : options_(options),
      key_(key),
      entropy_(entropy),
      crc_(key.protocol_id),
      input_interval_(static_cast<Nanos>(static_cast<double>(second) / options.rate_hz)),
      rng_(base::mix(options.seed, 0)),
      pools_(chunks_for(options.bots), small_blocks, large_blocks),
      bots_(&memory_.pages()),
      wheel_(options.bots, now),
      free_ports_(local_ports.begin(), local_ports.end()),
      ports_(local_ports.begin(), local_ports.end()),
      began_at_(now),
      sampled_at_(now) {
  view::ViewOptions view, drawn_view;
  view.far = options.far;
  view.interpolation_delay = 0;
  view.memory = drawn_view.memory = &memory_.pool();
  bots_.reserve(options.bots);
  const Habits habits{Habit(options.chats_per_minute), Habit(options.commands_per_minute),
                      Habit(options.roams_per_minute)};
  for (std::uint32_t i = 0; i < options.bots; ++i) {
    const bool draws = options.draw_every != 0 && i % options.draw_every == 0;
    Bot& bot =
        bots_.emplace_back(draws ? drawn_view : view, base::mix(options.seed, 1, i), options.player_base + i, habits);
    if (draws) bot.watcher = std::make_unique<Watcher>();
  }
}

void Fleet::start(std::uint32_t index, Nanos now, std::int64_t unix_now_s) {
  Bot& bot = bots_[index];
  crypt::TokenClaims claims;
  entropy_.fill(claims.id);
  entropy_.fill(claims.secret.bytes());
  claims.player_id = options_.player_base + index;
  claims.issued = claims.not_before = unix_now_s;
  claims.expiry = unix_now_s + token_lifetime_s;
  claims.audience = key_.server_id;
  claims.name = "bot " + std::to_string(claims.player_id);
  const Result<std::vector<std::uint8_t>> token = crypt::issue_token(key_, claims, entropy_);

  peer::SessionOptions session;
  session.server = options_.server;
  session.server.local_port = bot.local_port = free_ports_.front();
  session.protocol_id = key_.protocol_id;
  session.server_id = key_.server_id;
  if (token) session.token = token.value();
  session.token_secret = claims.secret;
  session.entropy = entropy_;
  session.audit = options_.audit;
  session.pools = &pools_;
  session.connect_timeout = options_.connect_timeout_s * second;
  session.on_message = {&Fleet::hear, this};
  bot.requests.restart();
  if (!bot.session.start(session, now)) {
    bot.phase = Bot::Phase::over;
    ++over_;
    return;
  }
  free_ports_.pop_front();
  router_.shake(bot.local_port, index);
  bot.phase = Bot::Phase::shaking;
  wheel_.set(index, now);
}

bool Fleet::advance(Nanos now, std::int64_t unix_now_s, const EngineTotals& engine) {
  bool work = false;
  if (phase_ == Phase::connecting) {
    const double allowed =
        static_cast<double>(now - began_at_) / static_cast<double>(second) * options_.connect_rate + 1;
    for (unsigned i = 0; i < starts_per_round && started_ < bots_.size() && started_ < allowed; ++i) {
      if (free_ports_.empty()) break;
      start(started_++, now, unix_now_s);
      work = true;
    }
    if (connected_ + over_ >= bots_.size()) {
      connected_at_ = now;
      phase_ = Phase::holding;
    }
  }
  if (phase_ == Phase::holding &&
      now >= connected_at_ + static_cast<Nanos>(options_.hold_seconds * static_cast<double>(second)))
    begin_playing(now, engine);
  if (phase_ == Phase::playing) {
    const auto length = static_cast<Nanos>(options_.seconds * static_cast<double>(second));
    if ((length != 0 && now >= playing_since_.at + length) || over_ == bots_.size()) stop(now, engine);
  }
  if (phase_ == Phase::closing && (over_ == bots_.size() || now >= closing_at_ + closing_max)) phase_ = Phase::done;
  if (now >= sampled_at_ + second) {
    sampled_at_ = now;
    if (measuring_) sample(now);
  }
  return work;
}

void Fleet::begin_playing(Nanos now, const EngineTotals& engine) {
  phase_ = Phase::playing;
  playing_since_ = totals(now, engine);
  measuring_ = true;
}

void Fleet::stop(Nanos now, const EngineTotals& engine) {
  if (phase_ == Phase::closing || phase_ == Phase::done) return;
  playing_until_ = totals(now, engine);
  measured_ = true;
  measuring_ = false;
  close(now);
}

void Fleet::close(Nanos now) {
  phase_ = Phase::closing;
  closing_at_ = now;
  for (std::uint32_t i = 0; i < bots_.size(); ++i) {
    Bot& bot = bots_[i];
    if (bot.phase == Bot::Phase::waiting) {
      bot.phase = Bot::Phase::over;
      ++over_;
    }
    if (bot.phase == Bot::Phase::over) continue;
    bot.session.close(now);
    follow(i, now);
  }
}

void Fleet::hear(void* self, wire::Channel, message::Type type, std::span<const std::uint8_t>) {
  auto& fleet = *static_cast<Fleet*>(self);
  fleet.chats_heard_ += type == message::Type::chat;
  fleet.states_heard_ += type == message::Type::state_update;
}

/// A datagram of no session that we know: perhaps an answer to one of the handshakes on its port.
Drop Fleet::shake(wire::Batch& batch, unsigned row, const wire::Header& header, Nanos now) {
  Drop verdict = Drop::unknown_session;
  // A copy: a bot that is answered leaves the queue, or goes to its end.
  candidates_ = router_.shaking(batch.path[row].local_port);
  for (const std::uint32_t index : candidates_) {
    peer::Session& session = bots_[index].session;
    const peer::HeaderVerdict admission = session.accept_header(header, batch.length[row], batch.path[row]);
    if (admission.verdict != Drop::none || !admission.handshake) continue;
    const peer::State before = session.state();
    verdict = session.accept_handshake({batch.data[row], batch.length[row]}, header, now);
    if (verdict != Drop::none) continue;
    if (before == peer::State::connecting) router_.shake(bots_[index].local_port, index);
    follow(index, now);
    break;
  }
  return verdict;
}

void Fleet::accept(wire::Batch& batch, Nanos now) {
  for (unsigned i = 0; i < batch.live_rows; ++i) {
    const unsigned row = batch.live[i];
    const bool sealed = (batch.flags[row] & wire::flag::encrypted) != 0;
    row_bot_[row] = sealed ? router_.find(batch.connection_id[row]) : Router::none;
    if (row_bot_[row] != Router::none) bots_[row_bot_[row]].session.prefetch_header();
  }
  aead_.rows = 0;
  batch.filter(drops_, [&](unsigned row) {
    const wire::Header header{batch.connection_id[row], batch.channel[row], batch.flags[row], batch.sequence[row]};
    if (row_bot_[row] == Router::none) return shake(batch, row, header, now);
    peer::Session& session = bots_[row_bot_[row]].session;
    const peer::HeaderVerdict admission = session.accept_header(header, batch.length[row], batch.path[row]);
    if (admission.verdict != Drop::none) return admission.verdict;
    const unsigned at = aead_.rows++;
    aead_row_[at] = static_cast<std::uint8_t>(row);
    aead_.key[at] = session.opening_key(header.flags);
    aead_.connection_id[at] = header.connection_id;
    aead_.sequence[at] = header.sequence;
    aead_.data[at] = batch.data[row];
    aead_.clear_bytes[at] = 0;
    aead_.body_bytes[at] =
        static_cast<std::uint16_t>(batch.length[row] - wire::header_bytes - wire::tag_bytes - wire::crc_bytes);
    return Drop::none;
  });
  if (aead_.rows != 0) open(batch, now);
}

void Fleet::open(wire::Batch& batch, Nanos now) {
  const std::uint64_t authentic = crypt::open_batch(aead_);
  const auto bot_of = [this](unsigned i) -> Bot& { return bots_[row_bot_[aead_row_[i]]]; };
  for (unsigned i = 0; i < std::min(bots_ahead, aead_.rows); ++i) bot_of(i).prefetch();
  for (unsigned i = 0; i < aead_.rows; ++i) {
    if (i + bots_ahead < aead_.rows) bot_of(i + bots_ahead).prefetch();
    if (i + bots_near < aead_.rows) bot_of(i + bots_near).prefetch_more();
    const unsigned row = aead_row_[i];
    if ((authentic >> i & 1) == 0) {
      drops_.add(Drop::bad_tag);
      continue;
    }
    Bot& bot = bot_of(i);
    const wire::Header header{batch.connection_id[row], batch.channel[row], batch.flags[row], batch.sequence[row]};
    const std::span<const std::uint8_t> body{aead_.data[i] + wire::header_bytes, aead_.body_bytes[i]};
    const Drop verdict = bot.session.accept_opened(header, body, batch.path[row], now, drops_);
    if (verdict != Drop::none)
      drops_.add(verdict);
    else if (recorder_ != nullptr)
      recorder_->add(Recorder::Direction::received, header, body);
    bot.account(now, measuring_ ? playing_since_.at : ~Nanos{0}, latency_);
    follow(row_bot_[row], now);
  }
}

peer::Outgoing Fleet::compose(std::uint32_t index, std::span<std::uint8_t> to, Nanos now) {
  Bot& bot = bots_[index];
  if (bot.phase == Bot::Phase::playing && now >= bot.input_at) {
    const Nanos late = now - bot.input_at;
    if (measuring_) lag_.record(late);
    bot.play(now);
    bot.talk(now);
    if (bot.watcher != nullptr) bot.watcher->frame(bot.session.view(), now, *watched_);
    if (bot.habits.roam.due(now, bot.rng)) {
      bot.session.use_local_port(ports_[bot.rng.below(ports_.size())]);
      ++roams_;
    }
    // An input that was missed by a whole interval is left out: a burst of old intentions is of no use.
    const Nanos due = bot.input_at + late / input_interval_ * input_interval_;
    bot.input_at = bot.pacer.due_after(due, due, bot.session.view().clock());
  }
  const peer::Outgoing out = bot.session.compose(to, now);
  if (recorder_ != nullptr && out.key != nullptr)
    recorder_->add(Recorder::Direction::sent, wire::read_header(to.data()),
                   to.subspan(wire::header_bytes, out.body_bytes));
  follow(index, now);
  return out;
}

void Fleet::follow(std::uint32_t index, Nanos now) {
  Bot& bot = bots_[index];
  const peer::State state = bot.session.state();
  if (bot.phase == Bot::Phase::over) return;
  if (state == peer::State::closed) {
    retire(index);
    wheel_.remove(index);
    return;
  }
  if (bot.phase == Bot::Phase::shaking && state >= peer::State::testing && bot.session.connection_id() != 0) {
    router_.settle(bot.local_port, index);
    free_ports_.push_back(bot.local_port);
    router_.bind(bot.session.connection_id(), index);
    bot.phase = Bot::Phase::joining;
  }
  if (bot.phase == Bot::Phase::joining && state == peer::State::playing) {
    bot.phase = Bot::Phase::playing;
    ++connected_;
    ++playing_;
    // Spread over the interval, or all that joined in one burst would send in one burst for ever.
    bot.input_at = now + rng_.below(input_interval_);
    // For the same reason not all keep the same distance from the tick.
    bot.pacer.configure(input_interval_, bot.session.view().clock(),
                        input_margin_min + input_margin_spread * static_cast<float>(rng_.unit()));
  }
  Nanos due = bot.session.wake_at();
  if (bot.phase == Bot::Phase::playing && state == peer::State::playing) due = std::min(due, bot.input_at);
  if (due < wheel_.due(index)) wheel_.set(index, due);
}

void Fleet::retire(std::uint32_t index) {
  Bot& bot = bots_[index];
  if (bot.phase == Bot::Phase::shaking) {
    router_.settle(bot.local_port, index);
    free_ports_.push_back(bot.local_port);
  } else {
    router_.unbind(bot.session.connection_id());
  }
  if (bot.phase == Bot::Phase::playing) --playing_;
  bot.phase = Bot::Phase::over;
  ++over_;
}

/// A few bots a second, each in turn: ages of what they see move, and their round trips. What rests is not stale: the
/// server sends nothing of it because nothing changed.
void Fleet::sample(Nanos now) {
  for (unsigned i = 0; i < std::min<std::size_t>(bots_per_sample, bots_.size()); ++i) {
    const Bot& bot = bots_[sampled_++ % bots_.size()];
    if (bot.phase != Bot::Phase::playing) continue;
    bot.session.view().for_each([&](const view::Tracked& entity) {
      if (entity.state.velocity != std::array<std::int16_t, 3>{}) staleness_.record(view::View::age(entity, now));
    });
    if (bot.session.rtt() != 0) rtt_.record(bot.session.rtt());
  }
}

}  // namespace serried::tools
