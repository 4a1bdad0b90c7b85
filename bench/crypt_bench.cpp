/// ns a packet of seal, open and the replay check, for bursts of 32 and 64, bodies of 64, 100 and 1166 bytes, and
/// 1,000, 10,000 and 100,000 sessions. Every burst is of as many different sessions, visited in a shuffled order, so
/// that their keys and windows miss the caches as they do in a server; the datagrams themselves are warm, as a NIC
/// leaves them. Below: what a handshake costs.

#include <algorithm>
#include <ctime>
#include <numeric>
#include <vector>

#include <benchmark/benchmark.h>

#include "crypt/aead.h"
#include "crypt/cookie.h"
#include "crypt/replay.h"
#include "crypt/secret_numbers.h"
#include "crypt/token.h"
#include "report.h"
#include "serried/protocol.h"
#include "wire/compose.h"

namespace {

using namespace serried;

constexpr std::uint64_t random_seed = 1;

/// The hot part of a session: what open, seal and replay touch.
struct alignas(64) Session {
  std::uint8_t key[crypt::key_bytes];
  std::uint64_t sequence;
  crypt::ReplayWindow window;
};
static_assert(sizeof(Session) == 128);

/// Sessions, the order in which they are visited, and one burst of warm datagrams.
class Sessions {
 public:
  explicit Sessions(const benchmark::State& state)
      : burst_(static_cast<unsigned>(state.range(0))),
        body_(static_cast<std::size_t>(state.range(1))),
        sessions_(static_cast<std::size_t>(state.range(2))),
        order_(sessions_.size()),
        datagram_bytes_(wire::header_bytes + body_ + wire::tag_bytes),
        buffers_(burst_ * datagram_bytes_) {
    base::Prng random(random_seed);
    for (Session& session : sessions_) {
      for (auto& byte : session.key) byte = static_cast<std::uint8_t>(random.next());
      session.sequence = 1;
    }
    std::iota(order_.begin(), order_.end(), 0u);
    for (std::size_t i = order_.size() - 1; i != 0; --i) std::swap(order_[i], order_[random.below(i + 1)]);
    for (auto& byte : buffers_) byte = static_cast<std::uint8_t>(random.next());
    batch_.rows = burst_;
    for (unsigned row = 0; row < burst_; ++row) {
      batch_.data[row] = buffers_.data() + row * datagram_bytes_;
      batch_.clear_bytes[row] = 0;
      batch_.body_bytes[row] = static_cast<std::uint16_t>(body_);
    }
  }

  [[nodiscard]] unsigned burst() const { return burst_; }
  [[nodiscard]] std::size_t count() const { return sessions_.size(); }
  [[nodiscard]] std::size_t body() const { return body_; }
  [[nodiscard]] std::size_t datagram_bytes() const { return datagram_bytes_; }
  [[nodiscard]] crypt::AeadBatch& batch() { return batch_; }
  [[nodiscard]] Session& session(std::size_t position) { return sessions_[order_[position]]; }

  /// Position of the next burst's first session in the order.
  std::size_t advance() {
    const std::size_t first = at_;
    at_ += burst_;
    if (at_ + burst_ > order_.size()) at_ = 0;
    return first;
  }
  /// Point the batch at the sessions of a burst.
  void aim(std::size_t first) {
    for (unsigned row = 0; row < burst_; ++row) {
      Session& s = session(first + row);
      batch_.key[row] = s.key;
      batch_.connection_id[row] = order_[first + row];
      batch_.sequence[row] = 1;
    }
  }

 private:
  unsigned burst_;
  std::size_t body_;
  std::vector<Session> sessions_;
  std::vector<std::uint32_t> order_;
  std::size_t at_ = 0;
  std::size_t datagram_bytes_;
  std::vector<std::uint8_t> buffers_;
  crypt::AeadBatch batch_;
};

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"burst", "body", "sessions"})->ArgsProduct({{32, 64}, {64, 100, 1166}, {1'000, 10'000, 100'000}});
}

double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void finish(benchmark::State& state, const Sessions& sessions, const bench::ResultHash& hash) {
  bench::report_packets(state, static_cast<double>(state.iterations()) * sessions.burst());
  state.SetLabel(hash.text());
}

void seal(benchmark::State& state) {
  Sessions sessions(state);
  bench::ResultHash hash;
  const auto seal_next = [&sessions] {
    sessions.aim(sessions.advance());
    crypt::seal_batch(sessions.batch());
  };
  for (int i = 0; i < 4; ++i) {
    seal_next();
    hash.add(sessions.batch().data[0], sessions.burst() * sessions.datagram_bytes());
  }
  for (auto _ : state) {
    seal_next();
    benchmark::ClobberMemory();
  }
  finish(state, sessions, hash);
}
BENCHMARK(seal)->Apply(shapes);

// Opening is in place, so each burst needs sealed datagrams anew: they are copied to where the NIC would put them,
// outside the time measured. The time is the thread's own, as of all other rows; looking at it twice a burst costs
// less than 10 ns a packet, which are inside.
void open_bursts(benchmark::State& state, bool forged) {
  Sessions sessions(state);
  crypt::AeadBatch& batch = sessions.batch();
  const std::size_t bytes = sessions.datagram_bytes();
  std::vector<std::uint8_t> sealed(sessions.count() * bytes);
  for (std::size_t first = 0; first + sessions.burst() <= sessions.count(); first += sessions.burst()) {
    sessions.aim(first);
    for (unsigned row = 0; row < sessions.burst(); ++row) {
      std::uint8_t* const data = sealed.data() + (first + row) * bytes;
      for (std::size_t i = 0; i < bytes; ++i) data[i] = static_cast<std::uint8_t>(first + row + i);
      crypt::seal_in_place(batch.key[row], batch.connection_id[row], batch.sequence[row], data, 0, sessions.body());
      if (forged) data[bytes - 1] ^= 1;
    }
  }
  bench::ResultHash hash;
  std::uint64_t wrong = 0;
  const std::uint64_t all = ~std::uint64_t{0} >> (64 - sessions.burst());
  const auto open_next = [&] {
    const std::size_t first = sessions.advance();
    std::copy_n(sealed.data() + first * bytes, sessions.burst() * bytes, batch.data[0]);
    const double begin = thread_seconds();
    sessions.aim(first);
    const std::uint64_t authentic = crypt::open_batch(batch);
    const double end = thread_seconds();
    wrong += authentic != (forged ? 0 : all);
    return end - begin;
  };
  for (int i = 0; i < 4; ++i) {
    static_cast<void>(open_next());
    hash.add(batch.data[0], sessions.burst() * bytes);
  }
  for (auto _ : state) state.SetIterationTime(open_next());
  if (wrong != 0) state.SkipWithError("a datagram was judged wrongly");
  finish(state, sessions, hash);
}

void open(benchmark::State& state) { open_bursts(state, false); }
void open_forged(benchmark::State& state) { open_bursts(state, true); }
BENCHMARK(open)->Apply(shapes)->UseManualTime();
BENCHMARK(open_forged)
    ->ArgNames({"burst", "body", "sessions"})
    ->ArgsProduct({{64}, {64, 1166}, {10'000}})
    ->UseManualTime();

// Peek before open, commit after it; one in eight skips a sequence, as senders now and then do.
void replay_check(benchmark::State& state) {
  Sessions sessions(state);
  bench::ResultHash hash;
  std::uint64_t round = 0;
  const auto check_next = [&] {
    const std::size_t first = sessions.advance();
    std::uint64_t refused = 0;
    ++round;
    for (unsigned row = 0; row < sessions.burst(); ++row) {
      Session& session = sessions.session(first + row);
      const std::uint64_t sequence = session.sequence + ((row + round) % 8 == 0 ? 2 : 1);
      session.sequence = sequence;
      refused += session.window.peek(sequence) != metrics::Drop::none;
      refused += session.window.commit(sequence) != metrics::Drop::none;
    }
    return refused;
  };
  std::uint64_t refused = 0;
  for (std::size_t i = 0; i < sessions.count() / sessions.burst(); ++i) refused += check_next();
  for (std::size_t i = 0; i < sessions.count(); ++i) hash.add(sessions.session(i).window.largest());
  for (auto _ : state) benchmark::DoNotOptimize(refused += check_next());
  if (refused != 0) state.SkipWithError("a new sequence was refused");
  finish(state, sessions, hash);
}
BENCHMARK(replay_check)
    ->ArgNames({"burst", "body", "sessions"})
    ->ArgsProduct({{32, 64}, {64}, {1'000, 10'000, 100'000}});

// What one Connect costs the io lane (cookie) and the handshake lane (the rest). per_packet: of each.
crypt::Entropy fixed_entropy() {
  return {[](void*, std::span<std::uint8_t> to) { std::iota(to.begin(), to.end(), std::uint8_t{1}); }, nullptr};
}

void cookie_check(benchmark::State& state) {
  const crypt::KeyPair pair = crypt::make_key_pair(fixed_entropy());
  crypt::CookieJar jar(pair.secret);
  const crypt::Cookie cookie = jar.make({}, pair.public_key, {}, second);
  bool valid = true;
  for (auto _ : state) valid &= jar.check(cookie, {}, pair.public_key, {}, second);
  if (!valid) state.SkipWithError("a valid cookie was refused");
  bench::report_packets(state, static_cast<double>(state.iterations()));
}
BENCHMARK(cookie_check);

/// What tells that a cookie was never given to an address.
void cookie_knows(benchmark::State& state) {
  const crypt::KeyPair pair = crypt::make_key_pair(fixed_entropy());
  crypt::CookieJar jar(pair.secret);
  crypt::Cookie cookie = jar.make({}, pair.public_key, {}, second);
  cookie[0] ^= 1;
  bool known = false;
  for (auto _ : state) known |= jar.knows(cookie, {}, pair.public_key, second);
  if (known) state.SkipWithError("a stranger's cookie was taken for ours");
  bench::report_packets(state, static_cast<double>(state.iterations()));
}
BENCHMARK(cookie_knows);

/// One is drawn a burst.
void secret_number(benchmark::State& state) {
  crypt::SecretNumbers numbers{fixed_entropy()};
  std::uint64_t sum = 0;
  for (auto _ : state) sum += numbers.next();
  if (sum == 0) state.SkipWithError("the keystream is all zeros");
  bench::report_packets(state, static_cast<double>(state.iterations()));
}
BENCHMARK(secret_number);

void token_open(benchmark::State& state) {
  crypt::TokenKey key;
  key.secret = crypt::make_key_pair(fixed_entropy()).secret;
  crypt::TokenClaims claims, opened;
  claims.expiry = 1000;
  const auto token = crypt::issue_token(key, claims, fixed_entropy());
  bool valid = static_cast<bool>(token);
  for (auto _ : state) valid = valid && crypt::open_token(key, token.value(), 0, opened) == crypt::TokenFault::none;
  if (!valid) state.SkipWithError("a valid token was refused");
  bench::report_packets(state, static_cast<double>(state.iterations()));
}
BENCHMARK(token_open);

void agree_on_keys(benchmark::State& state) {
  const crypt::KeyPair pair = crypt::make_key_pair(fixed_entropy());
  crypt::KeyContext context;
  context.protocol_id = default_protocol_id;
  crypt::SessionKeys keys;
  for (auto _ : state) {
    crypt::Secret ee;
    if (!crypt::shared_secret(pair.secret, pair.public_key, ee)) state.SkipWithError("refused");
    keys = crypt::derive_session_keys(context, pair.secret, ee);
  }
  bench::ResultHash hash;
  hash.add(keys.client_to_server.data(), crypt::key_bytes);
  bench::report_packets(state, static_cast<double>(state.iterations()));
  state.SetLabel(hash.text());
}
BENCHMARK(agree_on_keys);

}  // namespace

int main(int argc, char** argv) {
  if (!crypt::initialise()) return 1;
  return bench::run(argc, argv,
                    "crypt stages; libsodium behind the batch interface; sessions of " +
                        std::to_string(sizeof(Session)) + " bytes in shuffled order; seed " +
                        std::to_string(random_seed));
}
