#pragma once
/// ChaCha20-Poly1305 written down from RFC 8439 as plainly as possible, to hold the fast one to. Not for use.

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"

namespace serried::crypt::reference {

using Bytes = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;
__extension__ using Wide = unsigned __int128;

/// RFC 8439 2.3: one 64-byte block.
inline std::array<std::uint8_t, 64> chacha20_block(View key, View nonce, std::uint32_t counter) {
  std::array<std::uint32_t, 16> start{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  for (std::size_t i = 0; i < 8; ++i) start[4 + i] = base::load<std::uint32_t>(key.data() + 4 * i);
  start[12] = counter;
  for (std::size_t i = 0; i < 3; ++i) start[13 + i] = base::load<std::uint32_t>(nonce.data() + 4 * i);
  auto x = start;
  const auto quarter = [&x](std::size_t a, std::size_t b, std::size_t c, std::size_t d) {
    x[a] += x[b], x[d] = std::rotl(x[d] ^ x[a], 16);
    x[c] += x[d], x[b] = std::rotl(x[b] ^ x[c], 12);
    x[a] += x[b], x[d] = std::rotl(x[d] ^ x[a], 8);
    x[c] += x[d], x[b] = std::rotl(x[b] ^ x[c], 7);
  };
  for (int round = 0; round < 10; ++round) {
    for (std::size_t i = 0; i < 4; ++i) quarter(i, 4 + i, 8 + i, 12 + i);
    for (std::size_t i = 0; i < 4; ++i) quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
  }
  std::array<std::uint8_t, 64> block;
  for (std::size_t i = 0; i < 16; ++i) base::store(block.data() + 4 * i, x[i] + start[i]);
  return block;
}

/// RFC 8439 2.5, in limbs of 26 bits.
inline Bytes poly1305(View key, View text) {
  constexpr std::uint64_t limb = (1u << 26) - 1;
  const auto split = [](const std::uint8_t* at, std::uint64_t(&out)[5]) {
    for (unsigned i = 0; i < 5; ++i) {
      const unsigned bit = 26 * i;
      std::uint64_t value = 0;
      for (unsigned k = 0; k < 5 && bit / 8 + k < 17; ++k) value |= std::uint64_t{at[bit / 8 + k]} << 8 * k;
      out[i] = value >> bit % 8 & limb;
    }
  };
  std::uint8_t clamped[17] = {};
  for (std::size_t i = 0; i < 16; ++i) clamped[i] = key[i];
  for (const std::size_t i : {3, 7, 11, 15}) clamped[i] &= 15;
  for (const std::size_t i : {4, 8, 12}) clamped[i] &= 252;
  std::uint64_t r[5], h[5] = {};
  split(clamped, r);
  for (std::size_t at = 0; at < text.size(); at += 16) {
    std::uint8_t block[17] = {};
    const std::size_t count = std::min<std::size_t>(16, text.size() - at);
    for (std::size_t i = 0; i < count; ++i) block[i] = text[at + i];
    block[count] = 1;
    std::uint64_t n[5], product[5] = {};
    split(block, n);
    for (std::size_t i = 0; i < 5; ++i) h[i] += n[i];
    for (std::size_t i = 0; i < 5; ++i)
      for (std::size_t k = 0; k < 5; ++k) product[(i + k) % 5] += h[i] * r[k] * (i + k >= 5 ? 5 : 1);
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < 5; ++i) h[i] = (product[i] += carry) & limb, carry = product[i] >> 26;
    h[0] += carry * 5;
    h[1] += h[0] >> 26, h[0] &= limb;
  }
  for (int pass = 0; pass < 2; ++pass) {  // carry all the way, so that every limb is below 2^26
    for (std::size_t i = 0; i < 4; ++i) h[i + 1] += h[i] >> 26, h[i] &= limb;
    h[0] += (h[4] >> 26) * 5, h[4] &= limb;
  }
  h[1] += h[0] >> 26, h[0] &= limb;
  // h - (2^130 - 5), if that is not negative
  std::uint64_t g[5], carry = 5;
  for (std::size_t i = 0; i < 5; ++i) g[i] = h[i] + carry, carry = g[i] >> 26, g[i] &= limb;
  const std::uint64_t* const reduced = carry != 0 ? g : h;
  Wide sum = 0;
  for (std::size_t i = 0; i < 5; ++i) sum += static_cast<Wide>(reduced[i]) << 26 * i;
  sum +=
      static_cast<Wide>(base::load<std::uint64_t>(key.data() + 24)) << 64 | base::load<std::uint64_t>(key.data() + 16);
  Bytes tag(16);
  base::store(tag.data(), static_cast<std::uint64_t>(sum));
  base::store(tag.data() + 8, static_cast<std::uint64_t>(sum >> 64));
  return tag;
}

/// RFC 8439 2.8: ciphertext, then tag.
inline Bytes seal(View key, View nonce, View associated, View plain) {
  Bytes sealed(plain.begin(), plain.end());
  for (std::size_t i = 0; i < sealed.size(); i += 64) {
    const auto block = chacha20_block(key, nonce, static_cast<std::uint32_t>(1 + i / 64));
    for (std::size_t k = 0; k < 64 && i + k < sealed.size(); ++k) sealed[i + k] ^= block[k];
  }
  Bytes covered;
  const auto append_padded = [&covered](View bytes) {
    covered.insert(covered.end(), bytes.begin(), bytes.end());
    covered.resize((covered.size() + 15) / 16 * 16);
  };
  append_padded(associated);
  append_padded(sealed);
  covered.resize(covered.size() + 16);
  base::store(covered.data() + covered.size() - 16, std::uint64_t{associated.size()});
  base::store(covered.data() + covered.size() - 8, std::uint64_t{sealed.size()});
  const auto one_time_key = chacha20_block(key, nonce, 0);
  const Bytes tag = poly1305(View(one_time_key).first(32), covered);
  sealed.insert(sealed.end(), tag.begin(), tag.end());
  return sealed;
}

}  // namespace serried::crypt::reference
