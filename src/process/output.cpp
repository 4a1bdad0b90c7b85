#include "process/output.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "process/rights.h"

namespace serried::process {
namespace {

constexpr int look_again_ms = 50;  ///< while a stream takes nothing: another may have got something to say

}  // namespace

struct Output::State {
  struct Text {
    std::string text;
    std::uint64_t ticket = 0;       ///< the order among all streams
    std::uint64_t lost_before = 0;  ///< texts that are missing in front of this one
  };

  struct Queue {
    int descriptor = -1;
    int next_descriptor = -1;  ///< takes its place before the next piece
    bool owned = false;
    std::size_t texts_max = Output::log_texts_max;
    Output::Lost lost;

    std::deque<Text> texts;
    std::size_t bytes = 0;      ///< of all texts
    std::size_t written = 0;    ///< of the first text
    bool composed = false;      ///< the first text says what is missing in front of it
    bool torn = false;          ///< the last text was dropped in its middle
    std::uint64_t missing = 0;  ///< texts dropped since the last one that stands here
  };

  std::mutex mutex;
  std::condition_variable wake;     ///< something is to be written, or stop
  std::condition_variable drained;  ///< nothing is
  std::array<Queue, stream_count> queues;
  std::uint64_t next_ticket = 0;
  bool stop = false, ended = false;
  OutputCounters counters;

  [[nodiscard]] bool empty() const {
    return std::all_of(queues.begin(), queues.end(), [](const Queue& queue) { return queue.texts.empty(); });
  }

  // All with the mutex.

  bool push(Queue& queue, std::string text) {
    if (queue.texts.size() >= queue.texts_max || queue.bytes + text.size() > waiting_bytes_max) {
      ++queue.missing;
      counters.dropped.add(1);
      return false;
    }
    queue.bytes += text.size();
    queue.texts.push_back({std::move(text), next_ticket++, std::exchange(queue.missing, 0)});
    wake.notify_one();
    return true;
  }

  void pop(Queue& queue) {
    queue.bytes -= queue.texts.front().text.size();
    queue.texts.pop_front();
    queue.written = 0;
    queue.composed = false;
  }

  /// The first text as it goes out, before any of it does.
  void compose(Queue& queue) {
    Text& first = queue.texts.front();
    std::string before;
    if (std::exchange(queue.torn, false)) before += '\n';
    if (!std::exchange(queue.composed, true) && first.lost_before != 0) before += queue.lost(first.lost_before);
    queue.bytes += before.size();
    first.text.insert(0, before);
  }

  void drop_first(Queue& queue) {
    const std::uint64_t lost = queue.texts.front().lost_before + 1;
    queue.torn = queue.written != 0;
    pop(queue);
    counters.dropped.add(1);
    (queue.texts.empty() ? queue.missing : queue.texts.front().lost_before) += lost;
  }

  void adopt_descriptor(Queue& queue) {
    if (queue.next_descriptor < 0) return;
    if (queue.owned) close(queue.descriptor);
    queue.descriptor = std::exchange(queue.next_descriptor, -1);
    queue.owned = true;
    // What was begun before is written here as a whole, on a line of its own where this is the same file.
    struct stat file {};
    const bool begins = fstat(queue.descriptor, &file) != 0 || file.st_size == 0;
    queue.torn = (queue.torn || queue.written != 0) && !begins;
    queue.written = 0;
  }

  /// The stream that takes something and has waited longest; none takes anything yet, after a while.
  Queue* ready(std::unique_lock<std::mutex>& lock);
  void write_piece(Queue& queue, std::unique_lock<std::mutex>& lock);
  void run();
};

Output::State::Queue* Output::State::ready(std::unique_lock<std::mutex>& lock) {
  std::array<pollfd, stream_count> polled{};
  for (std::size_t i = 0; i < stream_count; ++i) {
    adopt_descriptor(queues[i]);
    polled[i] = {queues[i].texts.empty() ? -1 : queues[i].descriptor, POLLOUT, 0};
  }
  lock.unlock();
  const int count = poll(polled.data(), polled.size(), look_again_ms);
  lock.lock();
  if (count <= 0) return nullptr;
  Queue* found = nullptr;
  for (std::size_t i = 0; i < stream_count; ++i) {
    // An error is told by the write.
    if (polled[i].revents == 0) continue;
    if (found == nullptr || queues[i].texts.front().ticket < found->texts.front().ticket) found = &queues[i];
  }
  return found;
}

void Output::State::write_piece(Queue& queue, std::unique_lock<std::mutex>& lock) {
  if (queue.written == 0) compose(queue);
  // A pipe that says it takes something takes this much at once. Only this thread removes from the queue, and what is
  // added moves nothing.
  const std::string& text = queue.texts.front().text;
  const std::size_t piece = std::min<std::size_t>(text.size() - queue.written, PIPE_BUF);
  const int descriptor = queue.descriptor;
  const char* const from = text.data() + queue.written;
  lock.unlock();
  const ssize_t done = ::write(descriptor, from, piece);
  const int reason = errno;
  if (done < 0 && (reason == EAGAIN || reason == EINTR)) poll(nullptr, 0, look_again_ms);
  lock.lock();
  if (done < 0) {
    if (reason != EAGAIN && reason != EINTR) drop_first(queue);
    return;
  }
  queue.written += static_cast<std::size_t>(done);
  if (queue.written < text.size()) return;
  pop(queue);
  if (queue.texts.empty() && queue.missing != 0) push(queue, {});  // says what is missing
}

void Output::State::run() {
  std::unique_lock lock(mutex);
  while (!stop) {
    wake.wait(lock, [this] { return stop || !empty(); });
    if (stop) break;
    if (Queue* const queue = ready(lock); queue != nullptr) write_piece(*queue, lock);
    if (empty()) drained.notify_all();
  }
  for (Queue& queue : queues)
    if (queue.owned) close(std::exchange(queue.descriptor, -1));
  ended = true;
  drained.notify_all();
}

Output::Output(const Lost& lost) : Output(lost, STDOUT_FILENO, STDERR_FILENO) {}

Output::Output(const Lost& lost, int out, int err) : state_(std::make_shared<State>()) {
  for (State::Queue& queue : state_->queues) queue.lost = lost;
  State::Queue& first = state_->queues[static_cast<std::size_t>(Stream::out)];
  first.descriptor = out;
  first.texts_max = out_texts_max;
  state_->queues[static_cast<std::size_t>(Stream::err)].descriptor = err;
  // Signals are others' to take, and this thread is started before they say so.
  sigset_t all, before;
  sigfillset(&all);
  sigdelset(&all, rights_signal());
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread{[state = state_] { state->run(); }};
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Output::~Output() {
  flush(last_words_max);
  std::unique_lock lock(state_->mutex);
  state_->stop = true;
  state_->wake.notify_one();
  // Unless another program filled the pipe between poll and write, the thread is not inside a write that lasts.
  const bool ended =
      state_->drained.wait_for(lock, std::chrono::milliseconds{4 * look_again_ms}, [this] { return state_->ended; });
  lock.unlock();
  if (ended)
    thread_.join();
  else
    thread_.detach();
}

bool Output::write(Stream stream, std::string text) {
  if (text.empty()) return true;
  const std::lock_guard lock(state_->mutex);
  State::Queue* queue = &state_->queues[static_cast<std::size_t>(stream)];
  if (stream == Stream::log && queue->descriptor < 0 && queue->next_descriptor < 0)
    queue = &state_->queues[static_cast<std::size_t>(Stream::err)];
  return state_->push(*queue, std::move(text));
}

void Output::set_log(int descriptor) {
  const std::lock_guard lock(state_->mutex);
  State::Queue& queue = state_->queues[static_cast<std::size_t>(Stream::log)];
  if (queue.next_descriptor >= 0) close(queue.next_descriptor);
  queue.next_descriptor = descriptor;
}

void Output::set_lost(Stream stream, Lost lost) {
  const std::lock_guard lock(state_->mutex);
  state_->queues[static_cast<std::size_t>(stream)].lost = std::move(lost);
}

bool Output::flush(Nanos patience) {
  std::unique_lock lock(state_->mutex);
  return state_->drained.wait_for(lock, std::chrono::nanoseconds{patience}, [this] {
    return state_->empty() || state_->ended;
  }) && state_->empty();
}

const OutputCounters& Output::counters() const noexcept { return state_->counters; }

}  // namespace serried::process
