#include "io/io_state.h"

#include "base/setup.h"

namespace serried::io {
namespace {

constexpr std::size_t queue_rows = 1024;

std::uint64_t seed_from(const crypt::Entropy& entropy) {
  std::array<std::uint8_t, 8> bytes;
  entropy.fill(bytes);
  return base::load<std::uint64_t>(bytes.data());
}

/// A session may send its inputs, and half as much again for acks, pings and jitter.
session::AdmitLimits limits_of(const message::ConnectionAccepted& parameters) {
  session::AdmitLimits limits;
  if (parameters.input_rate_max_hz == 0) return limits;
  limits.interval_us = 1'000'000U * 2 / 3 / parameters.input_rate_max_hz;
  limits.burst_us = limits.interval_us * 64;
  return limits;
}

guard::AbuseGuardConfig guard_of(const IoConfig& config) {
  guard::AbuseGuardConfig abuse_guard = config.abuse_guard;
  abuse_guard.cookies_per_s = config.cookie_rate_per_s;
  return abuse_guard;
}

/// Buffers come home to `spare` from every place that they are lent to.
std::size_t spare_capacity(const IoConfig& config, const std::vector<link::IoShardLink*>& shards) {
  std::size_t lent = 2 * queue_rows + 4 * wire::Batch::capacity + 4 * config.spare_buffers;
  for (const link::IoShardLink* link : shards) lent += link->empties.free() + link->filled.free();
  return lent;
}

}  // namespace

SERRIED_SETUP IoState::IoState(const IoConfig& io_config, std::vector<link::IoShardLink*> shard_links,
                               link::HandshakeLink& handshake_link, const crypt::CookieJar& cookie_jar,
                               const crypt::Entropy& entropy_source)
    : config(io_config),
      shards(std::move(shard_links)),
      handshake(handshake_link),
      jar(cookie_jar),
      entropy(entropy_source),
      secrets(entropy_source),
      crc(io_config.protocol_id),
      table(io_config.lane, io_config.places()),
      attempts(io_config.attempts_max),
      limits(limits_of(io_config.parameters)),
      abuse_guard(guard_of(io_config), seed_from(entropy_source)),
      clear_answers(io_config.cookie_rate_per_s, io_config.cookie_rate_per_s),
      spare(spare_capacity(io_config, shards)),
      ready(queue_rows),
      replies(queue_rows),
      due_acks(table.capacity()),
      due_sends(table.capacity()),
      pools(io_config.chunks, io_config.small_blocks, io_config.large_blocks),
      session_events(2 * table.capacity()),
      steering(shards.size()) {
  entropy.fill(attempt_salt);
}

}  // namespace serried::io
