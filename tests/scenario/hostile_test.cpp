/// One story, told from many seeds: bots walk, talk, ask, move to other addresses, fall silent and come back, while the
/// wire loses, doubles, bends and reorders what they say, keys change every second, and an attacker does what it can.
/// At every step the books balance and no client hears anything twice; when the weather has cleared everything that was
/// asked is answered, every view equals the world, and all memory is home.
///
/// SERRIED_SEEDS=first:last chooses the seeds; scripts/scenario runs as many as one likes.

#include <array>
#include <cstdlib>
#include <sstream>

#include "scenario/attacker.h"
#include "scenario/talk.h"

namespace serried::scenario {
namespace {

using metrics::Drop;

/// Everything that a seed decides beforehand.
struct Plot {
  EngineConfig engine;
  TalkConfig talk;
  port::LoopProfile up, down;
  Nanos storm = 0;
  bool attack = false, disguised = false;
  bool scarce = false;  ///< pools so small that a session may be ended for want of room
  double roams_per_s = 0, silences_per_s = 0;
  Nanos silence = 0;
};

port::LoopProfile weather(base::Prng& rng, Nanos delay_max) {
  port::LoopProfile profile;
  profile.loss = rng.chance(0.2) ? 0 : 0.3 * rng.unit();
  profile.duplicate = rng.chance(0.5) ? 0 : 0.3 * rng.unit();
  profile.flip = rng.chance(0.5) ? 0 : 0.1 * rng.unit();
  profile.delay_min = rng.chance(0.5) ? 0 : rng.below(delay_max / 4);
  profile.delay_max = std::max(profile.delay_min, rng.below(delay_max));
  return profile;
}

Plot plot_of(std::uint64_t seed) {
  base::Prng rng{base::mix(seed, 0x4057'11E0)};
  Plot plot;
  const bool slow = rng.chance(0.25);
  const Nanos delay_max = slow ? 5 * second : (200 + rng.below(300)) * millisecond;
  plot.up = weather(rng, delay_max);
  plot.down = weather(rng, delay_max);
  plot.storm = slow ? 14 * second : (5 + rng.below(5)) * second;
  plot.scarce = rng.chance(0.15);
  plot.attack = rng.chance(0.7);
  plot.disguised = rng.chance(0.7);

  EngineConfig& engine = plot.engine;
  engine.seed = seed;
  engine.poll_seed = rng.next();
  engine.shards = 1 + static_cast<unsigned>(rng.below(3));
  engine.io_lanes = std::array{1U, 1U, 2U, 4U}[base::mix(seed, 0x10) % 4];
  engine.scatter = base::mix(seed, 0x11) % 3 == 0;
  if (base::mix(seed, 0x12) % 2 == 0) engine.handover_datagrams = 32;
  engine.players = 2 + static_cast<unsigned>(rng.below(4));
  engine.npcs = 8 + static_cast<unsigned>(rng.below(16));
  engine.input_hz = 20 + static_cast<unsigned>(rng.below(40));
  engine.step = slow ? 10 * millisecond : (1 + rng.below(5)) * millisecond;
  engine.npc_stop_tick = 60 * 5;
  engine.rekey_after = rng.chance(0.8) ? (500 + rng.below(1'000)) * millisecond : 3'600 * second;
  engine.timeout_ms = slow ? 15'000 : 4'000;
  engine.idle_ping_ms = 1'000;
  engine.resume_s = rng.chance(0.5) ? 60 : 5;
  engine.sessions = 64;
  engine.in_flight = 1U << 13;
  engine.server_buffers = 4'096;
  engine.spare_buffers = 128 + 64 * static_cast<unsigned>(rng.below(4));
  engine.link_rows = rng.chance(0.3) ? 64 : 512;
  engine.link_buffers = 256;
  engine.jobs = rng.chance(0.3) ? 4 : 32;
  engine.chunks = engine.client_chunks = 4'096;
  engine.small_blocks = 32;
  engine.client_small_blocks = 32;
  // A quarter is kept for sending, and where half is taken each session joins one message: with twelve, none of the
  // four players' messages has to give way to another, however slowly it comes.
  engine.large_blocks = engine.client_large_blocks = 12;
  if (plot.scarce) {
    engine.chunks = 8 + static_cast<std::uint32_t>(rng.below(60));
    engine.small_blocks = static_cast<std::uint16_t>(1 + rng.below(3));
    engine.large_blocks = 1;
  }
  if (!plot.disguised && rng.chance(0.5)) {
    engine.ban_score = 512;  // a burst with malformed rows penalizes one of its rows, be it whose it may
    plot.up.flip = 0;        // what the wire bends is laid at its sender's door, and all bots have one
  }

  plot.talk.chat_every = (400 + rng.below(1'500)) * millisecond;
  plot.talk.command_every = (100 + rng.below(600)) * millisecond;
  plot.talk.long_chance = rng.chance(0.6) ? 0.15 * rng.unit() : 0;
  plot.talk.long_bytes_max = slow ? 6'000 : 40'000;
  plot.roams_per_s = rng.chance(0.5) ? 0.3 * rng.unit() : 0;
  plot.silences_per_s = rng.chance(0.4) ? 0.15 * rng.unit() : 0;
  plot.silence = (slow ? 2 : 6) * second + rng.below(6 * second);
  return plot;
}

class Story {
 public:
  explicit Story(const Plot& plot) : plot_(plot), engine_(plot.engine), rng_(base::mix(plot.engine.seed, 3)) {}

  void tell() {
    enter();
    if (testing::Test::HasFailure()) return;
    weather();
    if (testing::Test::HasFailure()) return;
    clear_up();
    if (testing::Test::HasFailure()) return;
    leave();
  }

  /// What happened, as numbers: equal when it happened again.
  [[nodiscard]] std::string digest() const {
    std::ostringstream out;
    using Io = io::IoCounters;
    out << "ticks " << engine_.hashes.size() << " hash "
        << (engine_.hashes.empty() ? 0 : engine_.hashes.rbegin()->second) << " delivered "
        << engine_.total(&Io::delivered) << " answered " << engine_.total(&Io::answered) << " handed over "
        << engine_.total(&Io::handed_over) << " rekeys " << engine_.total(&Io::rekeys) << " roamed "
        << engine_.total(&Io::roamed) << " game messages " << engine_.total(&Io::game_messages_in) << '/'
        << engine_.total(&Io::game_messages_out) << " timeouts " << engine_.total(&Io::retransmission_timeouts)
        << " packed " << engine_.total(&Io::packed_from_bytes);
    for (const auto& talker : talkers_)
      out << " | " << talker->commands << ' ' << talker->long_commands << ' ' << talker->answers << ' '
          << talker->spoken << ' ' << talker->heard;
    out << " | logins " << logins_ << " attacks " << attacks_ << " |";
    for (std::size_t i = 0; i < metrics::drop_count; ++i)
      if (const auto drop = static_cast<Drop>(i); engine_.drops(drop) != 0)
        out << ' ' << metrics::drop_name(drop) << ' ' << engine_.drops(drop);
    return out.str();
  }

 private:
  static constexpr Nanos patience = 120 * second;

  /// All bots come in, in weather in which that is possible: a cookie holds for ten seconds.
  void enter() {
    for (unsigned i = 0; i < plot_.engine.players; ++i) {
      Bot& bot = engine_.add_bot(i + 1);
      talkers_.push_back(std::make_unique<Talker>(engine_, bot, plot_.talk));
      engine_.log_in(bot);
    }
    wakes_.assign(engine_.bots.size(), 0);
    engine_.set_profiles({.loss = plot_.up.loss / 2, .delay_max = 50 * millisecond},
                         {.loss = plot_.down.loss / 2, .delay_max = 50 * millisecond});
    for (const Nanos end = engine_.now + 30 * second; engine_.now < end && !engine_.all_playing();) step(true);
    for (const auto& bot : engine_.bots) ASSERT_TRUE(bot->session.connected()) << bot->session.end_text();
  }

  void weather() {
    engine_.set_profiles(plot_.up, plot_.down);
    const auto attacker =
        plot_.attack ? std::make_unique<Attacker>(engine_, base::mix(plot_.engine.seed, 9), plot_.disguised) : nullptr;
    const double steps_per_s = static_cast<double>(second) / static_cast<double>(plot_.engine.step);
    for (const Nanos end = engine_.now + plot_.storm; engine_.now < end && !testing::Test::HasFatalFailure();) {
      if (attacker != nullptr)
        attacker->strike(static_cast<unsigned>(rng_.below(2 + plot_.engine.step / millisecond / 4)));
      if (rng_.chance(plot_.roams_per_s / steps_per_s)) roam();
      if (rng_.chance(plot_.silences_per_s / steps_per_s)) fall_silent();
      step(false);
    }
    if (attacker != nullptr) attacks_ = attacker->sent();
  }

  void clear_up() {
    engine_.walking = false;
    engine_.set_profiles({}, {});
    for (auto& wake : wakes_)
      if (wake != 0) wake = engine_.now;
    const Nanos end = engine_.now + patience;
    while (engine_.now < end && waiting() != 0 && !testing::Test::HasFatalFailure()) step(true);
    EXPECT_EQ(waiting(), 0U) << "commands without an answer";
    // What no step waits for by name: absent ones, silent ones, views.
    for (const Nanos calm = engine_.now + 6 * second; engine_.now < calm;) step(true);
    // A bot that has to log in again from an address that a forger had banned waits until the ban is over.
    for (const Nanos late = engine_.now + 250 * second; engine_.now < late && !engine_.all_playing();) step(true);
    engine_.expect_views_equal_world();
    for (std::size_t i = 0; i < engine_.bots.size(); ++i) {
      const Bot& bot = *engine_.bots[i];
      EXPECT_TRUE(bot.session.connected()) << bot.session.end_text();
      const peer::FaultLog& faults = bot.session.faults();
      for (std::size_t f = 0; f < peer::fault_count; ++f) {
        const auto fault = static_cast<peer::Fault>(f);
        if (fault != peer::Fault::misplaced_record && fault != peer::Fault::ended) {
          EXPECT_EQ(faults.count(fault), 0U) << peer::fault_name(fault);
        }
      }
    }
  }

  void leave() {
    for (auto& bot : engine_.bots) bot->session.close(engine_.now);
    // Bots that were not heard since are noticed by their silence.
    const Nanos end = engine_.now + 100 * second;
    while (engine_.now < end && engine_.total(&io::IoCounters::sessions) != 0) step(true, false);
    EXPECT_EQ(engine_.total(&io::IoCounters::sessions), 0U);
    for (const Nanos calm = engine_.now + 500 * millisecond; engine_.now < calm;) step(true, false);
    EXPECT_EQ(engine_.total(&io::IoCounters::waiting_chunks), 0U);
    EXPECT_EQ(engine_.total(&io::IoCounters::fragment_bytes), 0U);
    EXPECT_EQ(engine_.client_pools.chunk.in_use(), 0U);
    EXPECT_EQ(engine_.client_pools.block.in_use_bytes(), 0U);
    for (const auto& link : engine_.handshake_links) EXPECT_EQ(link->free.size(), link->jobs.size());
  }

  void step(bool quiet, bool come_back = true) {
    for (std::size_t i = 0; i < engine_.bots.size(); ++i) {
      Bot& bot = *engine_.bots[i];
      if (come_back) mind(i, bot);
      talkers_[i]->speak(quiet);
    }
    engine_.step();
    engine_.expect_balanced();
  }

  /// A bot that was silent long enough comes back with a new token; any other that lost its session is a fault.
  void mind(std::size_t i, Bot& bot) {
    if (wakes_[i] != 0 && engine_.now >= wakes_[i]) {
      wakes_[i] = 0;
      bot.silent = false;
      return again(i, bot);
    }
    if (bot.silent || bot.session.state() < peer::State::closing) return;
    // For want of room a session is ended, or acks of its fragments stay out until it gives up.
    EXPECT_TRUE(plot_.scarce) << "player " << bot.player_id << " was thrown out: " << bot.session.end_text();
    again(i, bot);
  }
  void again(std::size_t i, Bot& bot) {
    talkers_[i]->forget();
    engine_.log_in(bot);
    ++logins_;
  }

  void roam() {
    Bot& bot = *engine_.bots[rng_.below(engine_.bots.size())];
    const bool other_host = rng_.chance(0.5);
    const auto port = static_cast<std::uint16_t>(30'000 + ++moves_);
    ASSERT_TRUE(bot.port->rebind(port::ipv4_address(10, 0, other_host ? 2 : 1, 2), port));
  }
  void fall_silent() {
    const std::size_t i = rng_.below(engine_.bots.size());
    if (engine_.bots[i]->silent) return;
    engine_.bots[i]->silent = true;
    wakes_[i] = engine_.now + plot_.silence;
  }
  [[nodiscard]] std::size_t waiting() const {
    std::size_t sum = 0;
    for (const auto& talker : talkers_) sum += talker->waiting();
    return sum;
  }

  Plot plot_;
  Engine engine_;
  base::Prng rng_;
  std::vector<std::unique_ptr<Talker>> talkers_;
  std::vector<Nanos> wakes_;  ///< by bot; 0: it is awake
  std::uint64_t logins_ = 0, attacks_ = 0;
  std::uint16_t moves_ = 0;
};

std::vector<std::uint64_t> seeds() {
  const char* const text = std::getenv("SERRIED_SEEDS");
  std::uint64_t first = 1, last = 4;
  if (text != nullptr) {
    const std::string range = text;
    const std::size_t colon = range.find(':');
    first = std::stoull(range);
    last = colon == std::string::npos ? first : std::stoull(range.substr(colon + 1));
  }
  std::vector<std::uint64_t> all;
  for (std::uint64_t seed = first; seed <= last; ++seed) all.push_back(seed);
  return all;
}

class Hostile : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Hostile, CommandsAreAnsweredViewsConvergeAndMemoryIsReturned) {
  SCOPED_TRACE(testing::Message() << "again: scripts/scenario --seeds " << GetParam() << ':' << GetParam());
  Story story{plot_of(GetParam())};
  story.tell();
  if (std::getenv("SERRIED_STORY") != nullptr || HasFailure()) std::cout << story.digest() << '\n';
  if (GetParam() % 25 != 0 || HasFailure()) return;
  Story twin{plot_of(GetParam())};
  twin.tell();
  EXPECT_EQ(story.digest(), twin.digest()) << "one seed, two histories";
}

INSTANTIATE_TEST_SUITE_P(Seeds, Hostile, testing::ValuesIn(seeds()),
                         [](const auto& instance) { return std::to_string(instance.param); });

}  // namespace
}  // namespace serried::scenario
