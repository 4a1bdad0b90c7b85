#pragma once
/// What the tests of crypt share: hexadecimal literals, entropy from a seed, keys from a pattern.

#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypt/keys.h"
#include "support/entropy.h"

namespace serried::crypt {

using Bytes = std::vector<std::uint8_t>;

/// Spaces are skipped; anything else that is not hexadecimal ends the test program.
inline Bytes hex(std::string_view text) {
  Bytes bytes;
  int high = -1;
  for (const char c : text) {
    if (c == ' ') continue;
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) std::abort();
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<std::uint8_t>(high * 16 + digit));
      high = -1;
    }
  }
  if (high >= 0) std::abort();
  return bytes;
}

/// start, start + 1, ...
inline Bytes rising(unsigned start, std::size_t count) {
  Bytes bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::uint8_t>(start + i);
  return bytes;
}

template <std::size_t Size>
std::array<std::uint8_t, Size> array_of(const Bytes& bytes) {
  if (bytes.size() != Size) std::abort();
  std::array<std::uint8_t, Size> array;
  std::copy(bytes.begin(), bytes.end(), array.begin());
  return array;
}

inline Secret secret_of(const Bytes& bytes) { return Secret(array_of<key_bytes>(bytes)); }
inline Bytes bytes_of(const Secret& secret) { return {secret.bytes().begin(), secret.bytes().end()}; }
inline Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }
template <std::size_t Size>
Bytes bytes_of(const std::array<std::uint8_t, Size>& array) {
  return {array.begin(), array.end()};
}

using test::SeededEntropy;

}  // namespace serried::crypt
