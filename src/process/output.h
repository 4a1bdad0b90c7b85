#pragma once
/// What a program says while it works: status lines, logs. Saying it never waits for a reader: a thread of its own
/// writes what stands in a bounded queue, and what finds no room, or cannot be written, is dropped and counted.
///
///     write() -> queue of a stream -> thread: poll, write -> descriptor
///          \ full: dropped                   \ error: dropped
///
/// Text of two streams that both take it is written in the order in which it was said.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/counter.h"
#include "serried/time.h"

namespace serried::process {

struct OutputCounters {
#define SERRIED_OUTPUT_COUNTER(group, name, ...) base::Counter name;
#include "metrics/counter.def"
};

class Output {
 public:
  enum class Stream : std::uint8_t {
    out,  ///< descriptor 1
    err,  ///< descriptor 2
    log,  ///< that of set_log(), before it `err`
  };
  static constexpr std::size_t stream_count = 3;

  /// Of each stream, waiting. Status of half a minute ago is of no use; logs are worth more.
  static constexpr std::size_t out_texts_max = 16, log_texts_max = 1'024, waiting_bytes_max = std::size_t{1} << 20;
  /// The longest time that the destructor waits for what is still to be written.
  static constexpr Nanos last_words_max = second;

  /// `lost(n)` makes the text that stands where n texts of a stream are missing; it is called by the thread.
  using Lost = std::function<std::string(std::uint64_t texts)>;
  explicit Output(const Lost& lost);
  /// Tests: other descriptors in the places of 1 and 2, which stay theirs.
  Output(const Lost& lost, int out, int err);
  /// Writes what can be written within last_words_max, and drops the rest.
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  /// Whole lines; any thread. Never waits for a reader. False: dropped, there is no room.
  bool write(Stream stream, std::string text);
  /// Stream `log` goes to this descriptor from here on, with what is waiting for it. It is closed when the next one
  /// takes its place, or at the end.
  void set_log(int descriptor);
  /// From now on `lost` speaks for this stream.
  void set_lost(Stream stream, Lost lost);

  /// Until nothing waits, or `patience` is over; whether nothing waits.
  bool flush(Nanos patience);

  [[nodiscard]] const OutputCounters& counters() const noexcept;

 private:
  struct State;

  std::shared_ptr<State> state_;  ///< the thread's too: one that cannot be ended outlives this
  std::thread thread_;
};

}  // namespace serried::process
