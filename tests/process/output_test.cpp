#include "process/output.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

namespace serried::process {
namespace {

using Stream = Output::Stream;

constexpr Nanos patience = 20 * second;  ///< for what must come; the tests do not depend on how long it takes

std::string lost_text(std::uint64_t count) { return "lost " + std::to_string(count) + "\n"; }

class Pipe {
 public:
  Pipe() { EXPECT_EQ(pipe2(ends_, O_CLOEXEC), 0); }
  ~Pipe() {
    close_reader();
    close(ends_[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_reader() {
    if (ends_[0] >= 0) close(ends_[0]);
    ends_[0] = -1;
  }
  [[nodiscard]] int in() const { return ends_[1]; }
  void fill() const {
    fcntl(ends_[1], F_SETFL, O_NONBLOCK);
    while (write(ends_[1], std::string(4096, '.').data(), 4096) > 0) {
    }
    fcntl(ends_[1], F_SETFL, 0);
  }
  /// What is there now, or what comes before `end` does.
  [[nodiscard]] std::string read_until(const std::string& end) const {
    std::string text;
    char bytes[4096];
    while (text.find(end) == std::string::npos) {
      const ssize_t got = read(ends_[0], bytes, sizeof bytes);
      if (got <= 0) break;
      text.append(bytes, static_cast<std::size_t>(got));
    }
    text.erase(0, text.find_first_not_of('.'));
    return text;
  }

 private:
  int ends_[2] = {-1, -1};
};

/// Wait without a limit of its own: for another thread's doing, which ends.
template <class Condition>
void wait_until(const Condition& condition) {
  while (!condition()) std::this_thread::sleep_for(std::chrono::milliseconds{1});
}

TEST(Output, TwoStreamsKeepTheOrderInWhichTheyWereSaid) {
  const Pipe pipe;
  Output output{lost_text, pipe.in(), pipe.in()};
  std::string expected;
  for (int i = 0; i < 10; ++i) {
    const std::string line = std::to_string(i) + "\n";
    EXPECT_TRUE(output.write(i % 3 == 0 ? Stream::out : i % 3 == 1 ? Stream::err : Stream::log, line));
    expected += line;
  }
  EXPECT_TRUE(output.flush(patience));
  EXPECT_EQ(pipe.read_until("9\n"), expected);
  EXPECT_EQ(output.counters().dropped.value(), 0U);
}

TEST(Output, AFullPipeTakesNobodysTimeAndWhatFindsNoRoomIsCounted) {
  const Pipe pipe;
  pipe.fill();
  std::string expected;
  auto output = std::make_unique<Output>(lost_text, pipe.in(), pipe.in());
  for (std::size_t i = 0; i < Output::out_texts_max + 5; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    EXPECT_EQ(output->write(Stream::out, line), i < Output::out_texts_max) << i;
    if (i < Output::out_texts_max) expected += line;
  }
  EXPECT_EQ(output->counters().dropped.value(), 5U);
  EXPECT_FALSE(output->flush(0));
  // The reader comes back: it gets what was kept, and is told what was not.
  EXPECT_EQ(pipe.read_until("lost 5\n"), expected + "lost 5\n");
  EXPECT_TRUE(output->flush(patience));
  EXPECT_TRUE(output->write(Stream::out, "after\n"));
  EXPECT_EQ(pipe.read_until("after\n"), "after\n");
}

TEST(Output, OneStreamDoesNotWaitForAnother) {
  const Pipe full, other;
  full.fill();
  Output output{lost_text, full.in(), other.in()};
  EXPECT_TRUE(output.write(Stream::out, "status\n"));
  EXPECT_TRUE(output.write(Stream::err, "error\n"));
  EXPECT_EQ(other.read_until("error\n"), "error\n");
}

TEST(Output, BytesAreBoundedToo) {
  const Pipe pipe;
  pipe.fill();
  Output output{lost_text, pipe.in(), pipe.in()};
  const std::string half(Output::waiting_bytes_max / 2, 'x');
  EXPECT_TRUE(output.write(Stream::err, half));
  EXPECT_TRUE(output.write(Stream::err, half));
  EXPECT_FALSE(output.write(Stream::err, "one more\n"));
}

TEST(Output, ItsEndDoesNotWaitForever) {
  const Pipe pipe;
  pipe.fill();
  auto output = std::make_unique<Output>(lost_text, pipe.in(), pipe.in());
  EXPECT_TRUE(output->write(Stream::out, "last words\n"));
  output.reset();  // the test would run into its time limit
}

TEST(Output, ItsEndWritesWhatIsTaken) {
  const Pipe pipe;
  std::make_unique<Output>(lost_text, pipe.in(), pipe.in())->write(Stream::out, "last words\n");
  EXPECT_EQ(pipe.read_until("\n"), "last words\n");
}

TEST(Output, WhatCannotBeWrittenIsCountedAndSaidWhereItIsMissing) {
  std::signal(SIGPIPE, SIG_IGN);
  Pipe gone;
  gone.close_reader();
  const Pipe there;
  Output output{lost_text, gone.in(), gone.in()};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(output.write(Stream::err, "this is not read\n"));
  EXPECT_TRUE(output.flush(patience));
  EXPECT_EQ(output.counters().dropped.value(), 3U);

  output.set_log(open("/dev/full", O_WRONLY | O_CLOEXEC));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(output.write(Stream::log, "no room for this\n"));
  EXPECT_TRUE(output.flush(patience));
  EXPECT_EQ(output.counters().dropped.value(), 5U);
  output.set_log(dup(there.in()));
  EXPECT_TRUE(output.write(Stream::log, "room\n"));
  EXPECT_EQ(there.read_until("room\n"), "lost 2\nroom\n");
}

/// Let a file take half a line, then all: whether it was opened anew in between or not, the next line has its own.
TEST(Output, ALineThatWasCutOffEndsBeforeTheNext) {
  std::signal(SIGXFSZ, SIG_IGN);
  for (const bool anew : {false, true}) {
    std::string name = testing::TempDir() + "serried-output-XXXXXX";
    const int file = mkstemp(name.data());
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    Output output{lost_text, -1, -1};
    output.set_log(dup(file));
    const rlimit four{4, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &four);
    EXPECT_TRUE(output.write(Stream::log, "too long\n"));
    EXPECT_TRUE(output.flush(patience));
    setrlimit(RLIMIT_FSIZE, &before);
    if (anew) output.set_log(open(name.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    EXPECT_TRUE(output.write(Stream::log, "next\n"));
    EXPECT_TRUE(output.flush(patience));
    char text[64] = {};
    EXPECT_GT(pread(file, text, sizeof text - 1, 0), 0);
    EXPECT_STREQ(text, "too \nlost 1\nnext\n");
    close(file);
    unlink(name.c_str());
  }
}

TEST(Output, AnotherVoiceMaySayWhatIsMissing) {
  const Pipe pipe;
  Output output{lost_text, pipe.in(), pipe.in()};
  output.set_log(open("/dev/full", O_WRONLY | O_CLOEXEC));
  output.set_lost(Stream::log, [](std::uint64_t count) { return std::to_string(count) + " missing\n"; });
  EXPECT_TRUE(output.write(Stream::log, "no room for this\n"));
  EXPECT_TRUE(output.flush(patience));
  output.set_log(dup(pipe.in()));
  EXPECT_TRUE(output.write(Stream::log, "room\n"));
  EXPECT_EQ(pipe.read_until("room\n"), "1 missing\nroom\n");
}

TEST(Output, WhatWaitsGoesToTheNewLog) {
  const Pipe full, next;
  full.fill();
  Output output{lost_text, full.in(), full.in()};
  output.set_log(dup(full.in()));
  EXPECT_TRUE(output.write(Stream::log, "waiting\n"));
  EXPECT_FALSE(output.flush(0));
  output.set_log(dup(next.in()));
  EXPECT_EQ(next.read_until("\n"), "waiting\n");
}

TEST(Output, ItsThreadTakesNoSignals) {
  const Pipe pipe;
  Output output{lost_text, pipe.in(), pipe.in()};
  static volatile std::sig_atomic_t taken = 0;
  static pthread_t taker;
  std::signal(SIGUSR1, [](int) {
    taker = pthread_self();
    taken = 1;
  });
  sigset_t set, before;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, &before);
  kill(getpid(), SIGUSR1);
  EXPECT_EQ(taken, 0) << "the only other thread took it";
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  wait_until([] { return taken != 0; });
  EXPECT_TRUE(pthread_equal(taker, pthread_self()));
  std::signal(SIGUSR1, SIG_DFL);
}

}  // namespace
}  // namespace serried::process
