#pragma once
/// CRC32C over a burst by an instruction. One has a latency of two or three cycles and a throughput of one, so a single
/// stream leaves half or two thirds of the unit idle; four datagrams side by side fill it. Datagrams of a burst differ
/// in length: a stream that ends is refilled with the next datagram, so four stay busy until the burst runs dry.
///
///     stream 0  |--- row 0 ---|---- row 4 ----|
///     stream 1  |------- row 1 -------|- row 6 -|
///     stream 2  |-- row 2 --|--- row 5 ---|
///     stream 3  |------ row 3 ------|-- row 7 --|
///
/// Source  V. Gopal et al., "Fast CRC Computation for iSCSI Polynomial Using CRC32 Instruction" (2011), from which only
///         the interleaving is taken

#include <cstddef>
#include <cstdint>

namespace serried::simd {

/// `Crc` is a type of the including file's unnamed namespace, so that nothing of this is linked for another CPU. Its
/// functions advance a `Crc::State` over 8, 4, 2 and 1 bytes: word, half, quarter, byte.
template <class Crc>
class Crc32cStreams {
 public:
  /// As crc32c_update.
  static std::uint32_t update(std::uint32_t state, const std::uint8_t* at, std::size_t count) noexcept {
    State crc = state;
    for (; count >= 8; count -= 8, at += 8) crc = Crc::word(crc, load<std::uint64_t>(at));
    return finish(crc, at, count);
  }

  /// As crc32c_batch.
  static void batch(std::uint32_t seed, const std::uint8_t* const* data, const std::uint16_t* length,
                    std::uint32_t* out, std::size_t count) noexcept {
    Stream streams[ways];
    unsigned active = 0;
    std::size_t next = 0;
    while (active < ways && next < count) {
      streams[active++] = Stream{data[next], length[next] / std::size_t{8}, seed, next};
      ++next;
    }
    while (active != 0) {
      std::size_t words = streams[0].words;
      for (unsigned i = 1; i < active; ++i)
        if (streams[i].words < words) words = streams[i].words;
      advance_together(streams, active, words);
      for (unsigned i = 0; i < active;) {
        Stream& stream = streams[i];
        if (stream.words != 0) {
          ++i;
          continue;
        }
        out[stream.row] = finish(stream.state, stream.at, length[stream.row] % std::size_t{8});
        if (next < count) {
          stream = Stream{data[next], length[next] / std::size_t{8}, seed, next};
          ++next;
          ++i;
        } else {
          --active;
          stream = streams[active];
        }
      }
    }
  }

 private:
  using State = typename Crc::State;
  static constexpr unsigned ways = 4;

  struct Stream {
    const std::uint8_t* at;
    std::size_t words;  // whole 8-byte words left
    State state;
    std::size_t row;
  };

  template <class T>
  static T load(const std::uint8_t* at) noexcept {
    T value;
    __builtin_memcpy(&value, at, sizeof value);
    return value;
  }

  // Fewer than 8 bytes.
  static std::uint32_t finish(State crc, const std::uint8_t* at, std::size_t count) noexcept {
    if ((count & 4) != 0) {
      crc = Crc::half(crc, load<std::uint32_t>(at));
      at += 4;
    }
    if ((count & 2) != 0) {
      crc = Crc::quarter(crc, load<std::uint16_t>(at));
      at += 2;
    }
    if ((count & 1) != 0) crc = Crc::byte(crc, *at);
    return static_cast<std::uint32_t>(crc);
  }

  // Streams by their index, known when compiled: states indexed by a loop stay in memory at -O2, and the round trip
  // through it is longer than the instruction (measured: 112 ns for 1,200 bytes instead of 35).
  template <unsigned... Index>
  struct Side {};

  // `words` whole words of each of the first streams, side by side.
  template <unsigned... Index>
  static void advance(Side<Index...>, Stream* streams, std::size_t words) noexcept {
    const std::uint8_t* const at[] = {streams[Index].at...};
    State state[] = {streams[Index].state...};
    for (std::size_t offset = 0; offset < words * 8; offset += 8)
      ((state[Index] = Crc::word(state[Index], load<std::uint64_t>(at[Index] + offset))), ...);
    ((streams[Index] = Stream{at[Index] + words * 8, streams[Index].words - words, state[Index], streams[Index].row}),
     ...);
  }

  static void advance_together(Stream* streams, unsigned active, std::size_t words) noexcept {
    switch (active) {
      case 4:
        return advance(Side<0, 1, 2, 3>{}, streams, words);
      case 3:
        return advance(Side<0, 1, 2>{}, streams, words);
      case 2:
        return advance(Side<0, 1>{}, streams, words);
      default:
        return advance(Side<0>{}, streams, words);
    }
  }
};

}  // namespace serried::simd
