#pragma once
/// ChaCha20-Poly1305 over a burst, written once for all vector widths. Lanes are (datagram, block) pairs of the whole
/// burst, so that short datagrams of different keys share a vector; Poly1305 takes datagrams of like length side by
/// side.
///
///     open   one-time keys of all | a group's tags | the text of those that verified | the next group ...
///     seal   a group's one-time keys and text | its tags | the next group ...
///
/// A group is what stays in the first-level cache from one pass to the next. Branches and addresses depend on lengths,
/// and on which tags verified, never on keys or text.
/// Source  RFC 8439 2.8

#include "simd/aead.h"
#include "simd/chacha20_lanes.h"
#include "simd/poly1305_lanes.h"
#include "simd/wipe.h"

namespace serried::simd {

/// V, besides what both ciphers ask of it:
///   Field                  Limbs26 or Limbs44
///   powers                 blocks of a long message taken at once, 2 or 4
///   mix(at, stream, bytes) exclusive or in place, 1 to 64 bytes; may read 16 bytes behind them, where the tag is,
///                          and write there what it read
///   publish(mask)          the same mask, which is no secret from here on
template <class V>
class AeadLanes {
  using U64 = typename V::U64;
  using Cipher = ChaCha20<V>;
  using Field = typename V::Field;
  using Number = typename Field::Number;
  using Factor = typename Field::Factor;
  using Sum = typename Field::Sum;
  static constexpr unsigned capacity = AeadBurst::capacity;

 public:
  static std::uint64_t open(const AeadBurst& burst) noexcept {
    Secrets secrets;
    const std::uint64_t authentic = AeadLanes(burst, secrets).open_rows();
    wipe(secrets);
    wipe_stack();
    return authentic;
  }
  static void seal(const AeadBurst& burst) noexcept {
    Secrets secrets;
    AeadLanes(burst, secrets).seal_rows();
    wipe(secrets);
    wipe_stack();
  }

 private:
  static constexpr unsigned block_bytes = 16;       // of Poly1305
  static constexpr unsigned group_bytes = 20480;    // two thirds of a first-level cache of 32 KiB
  static constexpr unsigned powers_blocks_min = 8;  // of a message, for powers of r to be worth their making

  // Keys and what comes from them.
  struct Secrets {
    alignas(64) std::uint8_t one_time_key[capacity][32];
    typename Cipher::State state;
    typename Cipher::Blocks stream;
    Factor r[V::powers];  // r, r squared, ... of the messages at work
    U64 pad[2];
    U64 tag[capacity / V::messages][2];
  };

  AeadLanes(const AeadBurst& burst, Secrets& secrets) noexcept : burst_(burst), secrets_(secrets) { sort(); }

  [[gnu::noinline]] std::uint64_t open_rows() noexcept {
    for (unsigned row = 0; row < burst_.rows; ++row) want_one_time_key(row);
    run_held();
    std::uint64_t authentic = 0;
    for (unsigned first = 0, end; first < burst_.rows; first = end) {
      end = group_end(first);
      compute_tags(first, end);
      std::uint64_t verified = 0;
      for (unsigned i = first; i < end; ++i) verified |= std::uint64_t{tag_matches(i, first)} << order_[i];
      verified = V::publish(verified);
      for (unsigned i = first; i < end; ++i)
        if ((verified >> order_[i] & 1) != 0) want_text(order_[i]);
      run_held();
      authentic |= verified;
    }
    return authentic;
  }

  [[gnu::noinline]] void seal_rows() noexcept {
    for (unsigned first = 0, end; first < burst_.rows; first = end) {
      end = group_end(first);
      for (unsigned i = first; i < end; ++i) {
        want_one_time_key(order_[i]);
        want_text(order_[i]);
      }
      run_held();
      compute_tags(first, end);
      for (unsigned i = first; i < end; ++i) write_tag(i, first);
    }
  }

  std::uint8_t* body(unsigned row) const noexcept {
    return burst_.data[row] + AeadBurst::header_bytes + burst_.clear_bytes[row];
  }
  unsigned blocks(unsigned row) const noexcept { return (burst_.body_bytes[row] + block_bytes - 1) / block_bytes; }

  // order_: rows by length, longest first, so that those of one vector end together.
  void sort() noexcept {
    constexpr unsigned buckets = AeadBurst::body_bytes_max / block_bytes + 1;
    std::uint8_t at[buckets + 1] = {};
    const auto bucket = [&](unsigned row) { return buckets - 1 - blocks(row); };
    bool alike = true;
    for (unsigned row = 0; row < burst_.rows; ++row) {
      __builtin_prefetch(burst_.key[row]);  // those of 100,000 sessions are in no cache
      order_[row] = static_cast<std::uint8_t>(row);
      alike &= burst_.body_bytes[row] == burst_.body_bytes[0];
    }
    if (alike) return;
    for (unsigned row = 0; row < burst_.rows; ++row) ++at[bucket(row) + 1];
    for (unsigned i = 1; i <= buckets; ++i) at[i] = static_cast<std::uint8_t>(at[i] + at[i - 1]);
    for (unsigned row = 0; row < burst_.rows; ++row) order_[at[bucket(row)]++] = static_cast<std::uint8_t>(row);
  }

  unsigned group_end(unsigned first) const noexcept {
    unsigned end = first, bytes = 0;
    do {
      for (unsigned i = 0; i < V::messages && end < burst_.rows; ++i) bytes += burst_.body_bytes[order_[end++]];
    } while (end < burst_.rows && bytes + V::messages * burst_.body_bytes[order_[end]] <= group_bytes);
    return end;
  }

  // --- ChaCha20: blocks are held until a vector is full ---

  void want_one_time_key(unsigned row) noexcept { want(row, 0, secrets_.one_time_key[row], 0); }

  void want_text(unsigned row) noexcept {
    constexpr unsigned together = Cipher::lanes * Cipher::block_bytes;
    std::uint8_t* at = body(row);
    unsigned left = burst_.body_bytes[row];
    std::uint32_t counter = 1;  // block 0 is the one-time key
    for (; left >= together; left -= together, counter += Cipher::lanes) {
      const std::uint64_t sequence = burst_.sequence[row];
      const std::uint32_t nonce[] = {burst_.connection_id[row], static_cast<std::uint32_t>(sequence),
                                     static_cast<std::uint32_t>(sequence >> 32)};
      Cipher::fill(secrets_.state, burst_.key[row], nonce, counter);
      Cipher::run(secrets_.state, secrets_.stream);
      for (unsigned lane = 0; lane < Cipher::lanes; ++lane, at += Cipher::block_bytes)
        V::mix(at, secrets_.stream.row[lane], Cipher::block_bytes);
    }
    for (; left != 0; ++counter) {
      const unsigned bytes = left < Cipher::block_bytes ? left : Cipher::block_bytes;
      want(row, counter, at, bytes);
      at += bytes;
      left -= bytes;
    }
  }

  // `bytes` of text at `to`, or with none the block's first 32 bytes there.
  void want(unsigned row, std::uint32_t counter, std::uint8_t* to, unsigned bytes) noexcept {
    const std::uint64_t sequence = burst_.sequence[row];
    inputs_.key[held_] = burst_.key[row];
    inputs_.counter[held_] = counter;
    inputs_.nonce[0][held_] = burst_.connection_id[row];
    inputs_.nonce[1][held_] = static_cast<std::uint32_t>(sequence);
    inputs_.nonce[2][held_] = static_cast<std::uint32_t>(sequence >> 32);
    target_[held_] = {to, bytes};
    if (++held_ == Cipher::lanes) run_held();
  }

  void run_held() noexcept {
    if (held_ == 0) return;
    for (unsigned lane = held_; lane < Cipher::lanes; ++lane) {  // whatever is here is computed and thrown away
      inputs_.key[lane] = inputs_.key[0];
      inputs_.counter[lane] = 0;
      for (auto& word : inputs_.nonce) word[lane] = 0;
    }
    Cipher::fill(secrets_.state, inputs_);
    Cipher::run(secrets_.state, secrets_.stream);
    for (unsigned lane = 0; lane < held_; ++lane) {
      const Target& target = target_[lane];
      if (target.bytes != 0) {
        V::mix(target.at, secrets_.stream.row[lane], target.bytes);
      } else {
        std::memcpy(target.at, secrets_.stream.row[lane], 32);
      }
    }
    held_ = 0;
  }

  // --- Poly1305 ---

  // Tags of rows order_[first, end), into secrets_.tag from its beginning.
  void compute_tags(unsigned first, unsigned end) noexcept {
    for (U64(*tag)[2] = secrets_.tag; first < end; first += V::messages, ++tag) authenticate(first, end, *tag);
  }

  // The block behind the text: lengths of associated data and text. Before it the last block of text, padded with
  // zeros; the first block is the associated data, padded likewise.
  //
  // Messages of one vector end together: a shorter one begins with blocks of nothing, not even the bit behind a block,
  // and 0 times r stays 0.
  struct Vector {
    const std::uint8_t* head[V::messages];
    const std::uint8_t* text[V::messages];  // of the blocks that all have
    const std::uint8_t* last[V::messages];
    alignas(64) std::uint64_t last_mask[2][V::messages];
    alignas(64) std::uint64_t bytes[V::messages];
    unsigned row[V::messages];
  };

  // A vector that is not full repeats the last message.
  void authenticate(unsigned first, unsigned end, U64 (&tag)[2]) noexcept {
    Vector vector;
    const unsigned last = end - first > V::messages ? first + V::messages - 1 : end - 1;
    const unsigned most = blocks(order_[first]), least = blocks(order_[last]);
    describe(vector, first, last, least);
    const bool use_powers = least >= powers_blocks_min;
    load_keys(vector, use_powers);

    Number sum{};
    if (most == least) {
      take(sum, head_block(vector));
    } else {
      for (unsigned step = 0; step <= most - least; ++step) take(sum, ragged_block(vector, step, most));
    }
    if (least != 0) {
      std::size_t offset = 0;
      unsigned left = least - 1;
      if (use_powers)
        for (; left >= V::powers; left -= V::powers, offset += V::powers * block_bytes)
          take_several(sum, vector, offset);
      for (; left != 0; --left, offset += block_bytes) take(sum, text_block(vector.text, offset));
      take(sum, last_block(vector));
    }
    take(sum, length_block(vector));
    U64 low, high;
    Field::freeze(sum, low, high);
    tag[0] = low + secrets_.pad[0];
    tag[1] = high + secrets_.pad[1] - reinterpret_cast<U64>(tag[0] < low);  // true is -1
  }

  void describe(Vector& vector, unsigned first, unsigned last, unsigned least) const noexcept {
    for (unsigned lane = 0; lane < V::messages; ++lane) {
      const unsigned row = order_[first + lane < last ? first + lane : last], count = blocks(row);
      vector.row[lane] = row;
      vector.head[lane] = burst_.data[row];
      vector.text[lane] = body(row) + (count - least) * block_bytes;
      vector.last[lane] = body(row) + (count == 0 ? 0 : count - 1) * block_bytes;
      vector.bytes[lane] = burst_.body_bytes[row];
      const unsigned bytes = burst_.body_bytes[row] - (count == 0 ? 0 : count - 1) * block_bytes;
      vector.last_mask[0][lane] = bytes >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << 8 * bytes) - 1;
      vector.last_mask[1][lane] = bytes >= 16 ? ~std::uint64_t{0}
                                  : bytes > 8 ? (std::uint64_t{1} << 8 * (bytes - 8)) - 1
                                              : 0;
    }
  }

  void load_keys(const Vector& vector, bool use_powers) noexcept {
    const std::uint8_t* keys[V::messages];
    for (unsigned lane = 0; lane < V::messages; ++lane) keys[lane] = secrets_.one_time_key[vector.row[lane]];
    U64 low, high;
    V::load_pairs(keys, 0, low, high);
    const Number r = Field::split(low & 0x0FFFFFFC0FFFFFFF, high & 0x0FFFFFFC0FFFFFFC, U64{});
    secrets_.r[0] = Field::factor(r);
    Number power = r;
    for (unsigned i = 1; i < V::powers && use_powers; ++i) {
      power = times(power, secrets_.r[0]);
      secrets_.r[i] = Field::factor(power);
    }
    V::load_pairs(keys, 16, secrets_.pad[0], secrets_.pad[1]);
  }

  [[gnu::always_inline]] static Number times(const Number& number, const Factor& factor) noexcept {
    Sum sum{};
    Field::add_product(sum, number, factor);
    return Field::carry(sum);
  }
  [[gnu::always_inline]] void take(Number& sum, const Number& block) noexcept {
    Field::add(sum, block);
    sum = times(sum, secrets_.r[0]);
  }
  // (((sum + b0) r + b1) r + b2) r ..., with one carry for all.
  [[gnu::always_inline]] void take_several(Number& sum, const Vector& vector, std::size_t offset) noexcept {
    Field::add(sum, text_block(vector.text, offset));
    Sum products{};
    Field::add_product(products, sum, secrets_.r[V::powers - 1]);
    for (unsigned i = 1; i < V::powers; ++i)
      Field::add_product(products, text_block(vector.text, offset + i * block_bytes), secrets_.r[V::powers - 1 - i]);
    sum = Field::carry(products);
  }

  static U64 ones() noexcept { return U64{} + 1; }
  static U64 load(const std::uint64_t* from) noexcept {
    U64 vector;
    std::memcpy(&vector, from, sizeof vector);
    return vector;
  }

  // Behind the header's 14 bytes there are at least those of a tag to read.
  [[gnu::always_inline]] static Number head_block(const Vector& vector) noexcept {
    U64 low, high;
    V::load_pairs(vector.head, 0, low, high);
    return Field::split(low, high & ((std::uint64_t{1} << 48) - 1), ones());
  }
  [[gnu::always_inline]] static Number text_block(const std::uint8_t* const (&at)[V::messages],
                                                  std::size_t offset) noexcept {
    U64 low, high;
    V::load_pairs(at, offset, low, high);
    return Field::split(low, high, ones());
  }
  [[gnu::always_inline]] static Number last_block(const Vector& vector) noexcept {
    U64 low, high;
    V::load_pairs(vector.last, 0, low, high);
    return Field::split(low & load(vector.last_mask[0]), high & load(vector.last_mask[1]), ones());
  }
  [[gnu::always_inline]] static Number length_block(const Vector& vector) noexcept {
    return Field::split(U64{} + AeadBurst::header_bytes, load(vector.bytes), ones());
  }
  // Step `step` of messages that begin at different steps: nothing, the header, or text; where the shortest has no text
  // at all, all text is here, and so is each one's last block.
  Number ragged_block(const Vector& vector, unsigned step, unsigned most) const noexcept {
    alignas(64) std::uint64_t words[2][V::messages], top[V::messages];
    for (unsigned lane = 0; lane < V::messages; ++lane) {
      const unsigned count = blocks(vector.row[lane]), begin = most - count;
      words[0][lane] = words[1][lane] = top[lane] = 0;
      if (step < begin) continue;
      top[lane] = 1;
      const std::uint8_t* at = vector.head[lane];
      std::uint64_t masks[2] = {~std::uint64_t{0}, (std::uint64_t{1} << 48) - 1};
      if (step > begin) {
        const unsigned block = step - begin - 1;
        at = body(vector.row[lane]) + block * block_bytes;
        for (unsigned i = 0; i < 2; ++i) masks[i] = block + 1 == count ? vector.last_mask[i][lane] : ~std::uint64_t{0};
      }
      for (unsigned i = 0; i < 2; ++i) {
        std::memcpy(&words[i][lane], at + 8 * i, 8);
        words[i][lane] &= masks[i];
      }
    }
    return Field::split(load(words[0]), load(words[1]), load(top));
  }

  // --- Tags of a group that begins at `first` ---

  struct Tag {
    std::uint64_t low, high;
  };
  Tag tag(unsigned i, unsigned first) const noexcept {
    const unsigned vector = (i - first) / V::messages, lane = (i - first) % V::messages;
    return {secrets_.tag[vector][0][lane], secrets_.tag[vector][1][lane]};
  }
  bool tag_matches(unsigned i, unsigned first) const noexcept {
    Tag sent;
    std::memcpy(&sent, body(order_[i]) + burst_.body_bytes[order_[i]], sizeof sent);
    const Tag made = tag(i, first);
    return ((sent.low ^ made.low) | (sent.high ^ made.high)) == 0;
  }
  void write_tag(unsigned i, unsigned first) const noexcept {
    const Tag made = tag(i, first);
    std::memcpy(body(order_[i]) + burst_.body_bytes[order_[i]], &made, sizeof made);
  }

  struct Target {
    std::uint8_t* at;
    unsigned bytes;
  };

  const AeadBurst& burst_;
  Secrets& secrets_;
  unsigned held_ = 0;
  typename Cipher::Inputs inputs_;
  Target target_[Cipher::lanes];
  std::uint8_t order_[capacity];
};

}  // namespace serried::simd
