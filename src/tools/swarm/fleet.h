#pragma once
/// All bots and what they share, without a port: which bot connects when, which one a datagram is for, which one sends
/// what when, and what has been measured. The engine feeds it bursts. One thread.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "base/histogram.h"
#include "crypt/aead.h"
#include "crypt/token.h"
#include "port/port.h"
#include "tools/swarm/bot.h"
#include "tools/swarm/memory.h"
#include "tools/swarm/options.h"
#include "tools/swarm/recorder.h"
#include "tools/swarm/router.h"
#include "tools/swarm/summary.h"
#include "tools/swarm/wheel.h"
#include "wire/batch.h"
#include "wire/verify.h"

namespace serried::tools {

/// Rising totals at one moment; a rate is the difference of two.
struct Totals {
  Nanos at = 0;
  std::uint64_t rx_datagrams = 0, tx_datagrams = 0, rx_bytes = 0, tx_bytes = 0;
  std::uint64_t updates = 0, far_records = 0;
  Nanos busy = 0, cpu = 0;
};

/// What the engine knows and the fleet does not.
struct EngineTotals {
  const port::PortCounters* port = nullptr;
  Nanos busy = 0;  ///< time in rounds that found work
  Nanos cpu = 0;   ///< of the process
  std::uint64_t rss_bytes = 0;
};

class Fleet {
 public:
  enum class Phase : std::uint8_t { connecting, holding, playing, closing, done };

  /// `local_ports`: UDP ports that bots send from; as many handshakes run at once. A port may be there several times.
  Fleet(const SwarmOptions& options, const crypt::TokenKey& key, const crypt::Entropy& entropy,
        std::span<const std::uint16_t> local_ports, Nanos now);
  /// It stays where it is: its bots know it.
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  /// Begin handshakes as the rate and free ports allow, a few a call; move from phase to phase; sample. True: there was
  /// work.
  bool advance(Nanos now, std::int64_t unix_now_s, const EngineTotals& engine);
  /// Process a burst that was parsed and verified. The buffers stay the caller's.
  void accept(wire::Batch& batch, Nanos now);
  /// Serve all bots that are due: `serve(index)` calls compose(index).
  template <class Serve>
  std::uint32_t turn(Nanos now, Serve&& serve) {
    due_.clear();
    wheel_.turn(now, [this](std::uint32_t index, Nanos) { due_.push_back(index); });
    const auto count = static_cast<std::uint32_t>(due_.size());
    for (std::uint32_t i = 0; i < std::min(bots_ahead, count); ++i) bots_[due_[i]].prefetch();
    for (std::uint32_t i = 0; i < count; ++i) {
      if (i + bots_ahead < count) bots_[due_[i + bots_ahead]].prefetch();
      if (i + bots_near < count) bots_[due_[i + bots_near]].prefetch_more();
      serve(due_[i]);
    }
    return count;
  }
  /// What bot `index` has to send now, into `to`; and when it is due again.
  [[nodiscard]] peer::Outgoing compose(std::uint32_t index, std::span<std::uint8_t> to, Nanos now);
  /// No buffer for it: ask again a little later.
  void postpone(std::uint32_t index, Nanos now) noexcept { wheel_.set(index, now + millisecond); }
  [[nodiscard]] const wire::Path& path(std::uint32_t index) const noexcept { return bots_[index].session.server(); }
  /// End early: what was measured so far counts.
  void stop(Nanos now, const EngineTotals& engine);

  /// From now on, what is received and sent in sealed datagrams; null: no more.
  void record_to(Recorder* recorder) noexcept { recorder_ = recorder; }

  [[nodiscard]] Phase phase() const noexcept { return phase_; }
  [[nodiscard]] wire::CrcSeed crc() const noexcept { return crc_; }
  [[nodiscard]] metrics::DropCounters& drops() noexcept { return drops_; }
  [[nodiscard]] std::span<const Bot> bots() const noexcept { return bots_; }

  [[nodiscard]] Totals totals(Nanos now, const EngineTotals& engine) const;
  /// Rates since `since`; everything else of the whole run.
  [[nodiscard]] Summary summary(Nanos now, const EngineTotals& engine, const Totals& since) const;
  /// The same, with rates over the playing phase.
  [[nodiscard]] Summary summary(Nanos now, const EngineTotals& engine) const;

 private:
  /// Thousands of bots are never in a cache: each is asked for so many turns before its own, and again for what that
  /// memory points to.
  static constexpr std::uint32_t bots_ahead = 6, bots_near = 2;

  void start(std::uint32_t index, Nanos now, std::int64_t unix_now_s);
  /// The bot's session may have changed state: keep routing, counts and wheel in step.
  void follow(std::uint32_t index, Nanos now);
  void retire(std::uint32_t index);
  /// End every session in order.
  void close(Nanos now);
  void begin_playing(Nanos now, const EngineTotals& engine);
  void sample(Nanos now);
  /// A message of the game has come for one of the bots.
  static void hear(void* self, wire::Channel channel, message::Type type, std::span<const std::uint8_t> content);
  [[nodiscard]] metrics::Drop shake(wire::Batch& batch, unsigned row, const wire::Header& header, Nanos now);
  void open(wire::Batch& batch, Nanos now);
  void count_errors(Summary& summary) const;

  SwarmOptions options_;
  crypt::TokenKey key_;
  crypt::Entropy entropy_;
  wire::CrcSeed crc_;
  Nanos input_interval_;
  base::Prng rng_;

  channel::Pools pools_;  ///< of all bots, so it outlives them
  Memory memory_;         ///< so does this
  std::pmr::vector<Bot> bots_;
  Router router_;
  Wheel wheel_;
  std::vector<std::uint32_t> due_;  ///< in this turn
  std::deque<std::uint16_t> free_ports_;
  std::vector<std::uint16_t> ports_;  ///< all of them
  Phase phase_ = Phase::connecting;
  std::uint32_t started_ = 0, connected_ = 0, playing_ = 0, over_ = 0;
  Nanos began_at_;
  Nanos connected_at_ = 0;
  Nanos closing_at_ = 0;
  Nanos sampled_at_ = 0;
  std::uint32_t sampled_ = 0;
  std::uint64_t chats_heard_ = 0, states_heard_ = 0, roams_ = 0;

  bool measuring_ = false;
  bool measured_ = false;
  Totals playing_since_, playing_until_;
  base::Histogram lag_, latency_, staleness_, rtt_;
  std::unique_ptr<Watched> watched_ = std::make_unique<Watched>();
  metrics::DropCounters drops_;
  Recorder* recorder_ = nullptr;

  // The burst being opened
  crypt::AeadBatch aead_;
  std::uint8_t aead_row_[wire::Batch::capacity]{};
  std::uint32_t row_bot_[wire::Batch::capacity]{};
  std::vector<std::uint32_t> candidates_;
};

}  // namespace serried::tools
