#include "serried/client.h"

#include <arpa/inet.h>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <functional>
#include <mutex>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "../peer/mini_server.h"
#include "message/game.h"

namespace serried {
namespace {

using namespace std::chrono_literals;

/// The mini server on a loopback socket, on a thread of its own, ticking at 100 Hz.
class LiveServer {
 public:
  explicit LiveServer(int family = AF_INET) {
    file_ = socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    socklen_t bytes = 0;
    sockaddr_storage local{};
    if (family == AF_INET) {
      auto* v4 = reinterpret_cast<sockaddr_in*>(&local);
      v4->sin_family = AF_INET;
      v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      bytes = sizeof *v4;
    } else {
      auto* v6 = reinterpret_cast<sockaddr_in6*>(&local);
      v6->sin6_family = AF_INET6;
      v6->sin6_addr = in6addr_loopback;
      bytes = sizeof *v6;
    }
    bound_ = bind(file_, reinterpret_cast<sockaddr*>(&local), bytes) == 0;
    getsockname(file_, reinterpret_cast<sockaddr*>(&local), &bytes);
    port_ = ntohs(reinterpret_cast<sockaddr_in*>(&local)->sin_port);  // at the same place in both
    text_ = (family == AF_INET ? "127.0.0.1:" : "[::1]:") + std::to_string(port_);
    create_.slot = 3;
    create_.own = true;
    create_.id = 77;
    create_.state.section = {1, 1, 0};
    thread_ = std::thread([this] { serve(); });
  }
  ~LiveServer() {
    stop_ = true;
    thread_.join();
    close(file_);
  }

  [[nodiscard]] bool bound() const { return bound_; }
  ClientOptions options(std::uint64_t player) {
    const std::scoped_lock lock(mutex);
    ClientOptions out;
    out.server = text_;
    out.protocol_id = test::MiniServer::protocol_id;
    out.server_id = test::MiniServer::server_id;
    crypt::Secret secret;
    out.token = server.token(player, secret);
    std::copy(secret.bytes().begin(), secret.bytes().end(), out.token_secret.begin());
    out.connect_timeout = 5s;
    return out;
  }

  std::mutex mutex;
  test::MiniServer server;

 private:
  void serve() {
    std::map<std::uint16_t, sockaddr_storage> clients;  // by the port that the mini server knows them by
    std::uint64_t next_tick = 0;
    while (!stop_) {
      const auto now = static_cast<Nanos>(std::chrono::steady_clock::now().time_since_epoch().count());
      {
        const std::scoped_lock lock(mutex);
        test::Bytes datagram(2000);
        sockaddr_storage from{};
        socklen_t bytes = sizeof from;
        for (;;) {
          bytes = sizeof from;
          const ssize_t count =
              recvfrom(file_, datagram.data(), datagram.size(), 0, reinterpret_cast<sockaddr*>(&from), &bytes);
          if (count < 0) break;
          const std::uint16_t port = ntohs(reinterpret_cast<sockaddr_in*>(&from)->sin_port);
          clients[port] = from;
          server.receive({datagram.begin(), datagram.begin() + count}, test::path_of(port), now);
        }
        if (now >= next_tick) {
          next_tick = now + 10 * millisecond;
          server.tick(now, {}, [&](base::ByteWriter& out) { message::encode(out, create_); });
        }
        for (const auto& sent : server.outbox) {
          const sockaddr_storage& to = clients[sent.to.port];
          sendto(file_, sent.bytes.data(), sent.bytes.size(), 0, reinterpret_cast<const sockaddr*>(&to),
                 to.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
        }
        server.outbox.clear();
      }
      std::this_thread::sleep_for(500us);
    }
  }

  int file_ = -1;
  bool bound_ = false;
  std::uint16_t port_ = 0;
  std::string text_;
  message::CreateEntity create_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

template <class Condition>
bool eventually(Client& client, Condition&& condition) {
  const auto end = std::chrono::steady_clock::now() + 8s;
  while (std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
    client.poll(2ms);
  }
  return false;
}

TEST(Client, ReturnsWhenTheNextInputShouldBeSubmitted) {
  ASSERT_TRUE(crypt::initialise());
  LiveServer live;
  live.server.parameters.tick_rate_hz = 1;
  Client client(live.options(1));
  EXPECT_EQ(client.input_wait(), 10ms);  // there is nothing to wait for yet
  ASSERT_TRUE(client.connect());
  ASSERT_TRUE(eventually(client, [&] { return client.state() == ClientState::playing; })) << client.reason();
  EXPECT_EQ(client.input_wait(), 0ns);
  client.submit({});
  for (const auto wait : {client.input_wait(), client.input_wait()}) {  // asking changes nothing
    EXPECT_GT(wait, 500ms);
    EXPECT_LE(wait, 1'020ms);
  }
  EXPECT_GT(client.input_wait(20), 10s);  // since the last one
  // What is submitted at other times is no debt.
  for (int i = 0; i < 100; ++i) client.submit({});
  EXPECT_LE(client.input_wait(20), 41s);
}

TEST(Client, PlaysOverLoopback) {
  ASSERT_TRUE(crypt::initialise());
  LiveServer live;
  Client client(live.options(1));
  std::vector<ClientState> states;
  client.on_state([&](ClientState state, const std::string&) { states.push_back(state); });
  ASSERT_TRUE(client.connect());
  EXPECT_EQ(client.submit({}), 0);  // not in the world yet
  ASSERT_TRUE(eventually(client, [&] { return client.state() == ClientState::playing; })) << client.reason();
  const std::uint16_t sequence = client.submit({.move_x = 3.0F, .move_y = 4.0F, .yaw = 1.0F, .run = true});
  EXPECT_EQ(sequence, 1);
  ASSERT_TRUE(eventually(client, [&] { return client.applied_input() == sequence; }));
  {
    const std::scoped_lock lock(live.mutex);
    const message::Input& input = live.server.peers.begin()->second.inputs.front();
    EXPECT_EQ(input.move_x, 76);  // 127 * 3 / 5
    EXPECT_EQ(input.move_y, 102);
    EXPECT_EQ(input.buttons, message::button::run);
  }
  SceneEntity own;
  ASSERT_TRUE(client.own(own));
  EXPECT_EQ(own.id, 77U);
  EXPECT_TRUE(own.own);
  EXPECT_FLOAT_EQ(own.position[0], 1.5F * 25'600.0F);
  unsigned seen = 0;  // once the scene has come to where it began
  EXPECT_TRUE(eventually(client, [&] {
    client.scene([&](const SceneEntity& entity) { seen += entity.id == 77; });
    return seen != 0;
  }));
  EXPECT_EQ(seen, 1U);
  EXPECT_GT(client.rtt().count(), 0);
  EXPECT_GT(client.server_tick(), 100U);
  client.disconnect();
  EXPECT_EQ(client.state(), ClientState::closed);
  EXPECT_EQ(client.statistics().dropped_datagrams, 0U);
  EXPECT_TRUE(client.faults().empty());
  std::this_thread::sleep_for(5ms);
  const std::scoped_lock lock(live.mutex);
  EXPECT_EQ(live.server.peers.begin()->second.disconnects, 3U);
  EXPECT_EQ(live.server.bad, 0U);
  ASSERT_GE(states.size(), 3U);
  EXPECT_EQ(states.front(), ClientState::connecting);
  EXPECT_EQ(states.back(), ClientState::closed);
}

TEST(Client, SeveralOnThreadsOfTheirOwn) {
  ASSERT_TRUE(crypt::initialise());
  LiveServer live;
  std::vector<Client> clients;
  std::atomic<unsigned> playing{0};
  for (std::uint64_t player = 1; player <= 4; ++player) {
    clients.emplace_back(live.options(player));
    clients.back().on_state([&](ClientState state, const std::string&) { playing += state == ClientState::playing; });
    ASSERT_TRUE(clients.back().connect());
    clients.back().run();
  }
  for (int i = 0; i < 4000 && playing != 4; ++i) std::this_thread::sleep_for(2ms);
  EXPECT_EQ(playing, 4U);
  for (Client& client : clients) EXPECT_EQ(client.submit({.move_x = 1.0F}), 1);
  for (int i = 0; i < 4000; ++i) {
    unsigned applied = 0;
    for (const Client& client : clients) applied += client.applied_input() == 1;
    if (applied == 4) break;
    std::this_thread::sleep_for(2ms);
  }
  for (Client& client : clients) {
    EXPECT_EQ(client.applied_input(), 1);
    client.disconnect();
    EXPECT_EQ(client.state(), ClientState::closed);
    EXPECT_EQ(client.reason(), "closed by this client");
  }
}

TEST(Client, TalksWithTheGame) {
  ASSERT_TRUE(crypt::initialise());
  LiveServer live;
  Client client(live.options(1));
  std::string heard;
  std::size_t large = 0;
  client.on_chat([&](const ChatLine& line) {
    heard += line.text;
    EXPECT_EQ(client.state(), ClientState::playing);  // callbacks may ask
  });
  client.on_message([&](Delivery, std::uint8_t, std::span<const std::uint8_t> content) { large = content.size(); });
  EXPECT_EQ(client.send(Delivery::ordered, game_type_first, {}), SendResult::not_playing);
  ASSERT_TRUE(client.connect());
  ASSERT_TRUE(eventually(client, [&] { return client.state() == ClientState::playing; })) << client.reason();
  EXPECT_EQ(client.send(Delivery::ordered, game_type_first - 1, {}), SendResult::too_long);
  EXPECT_EQ(client.chat(ChatScope::server, "x"), SendResult::too_long);
  ASSERT_TRUE(eventually(client, [&] { return client.chat(ChatScope::near, "hello") == SendResult::queued; }));
  EXPECT_EQ(client.action(1, 0), 1U);
  EXPECT_EQ(client.command("dance", {}), 1U);
  EXPECT_EQ(client.send(Delivery::unordered, 0xFF, test::Bytes(30'000, 3)), SendResult::queued);
  const auto game_messages = [&] {
    const std::scoped_lock lock(live.mutex);
    return live.server.peers.begin()->second.game_messages.size();
  };
  ASSERT_TRUE(eventually(client, [&] { return game_messages() == 5; }));  // the name of the command is one of them
  {
    const std::scoped_lock lock(live.mutex);
    auto& peer = live.server.peers.begin()->second;
    const auto now = static_cast<Nanos>(std::chrono::steady_clock::now().time_since_epoch().count());
    live.server.queue_message(peer, now, [](base::ByteWriter& out) {
      message::encode(out, message::Chat{message::ChatScope::near, 9, test::Bytes{'y', 'o'}});
    });
    live.server.queue_message(peer, wire::Channel::reliable_ordered, message::Type::game_own, test::Bytes(50'000, 1),
                              now);
    live.server.rekey(peer, now);
  }
  EXPECT_TRUE(eventually(client, [&] { return client.statistics().rekeys == 1 && large == 50'000; }));
  EXPECT_EQ(heard, "yo");
  EXPECT_EQ(client.statistics().messages_sent, 5U);
  EXPECT_EQ(client.statistics().messages_received, 2U);
  EXPECT_TRUE(client.faults().empty());
}

struct Call {
  const char* name;
  std::function<void(Client&)> make;
};

/// Every member that may be called from inside a callback, those that end the connection last.
std::vector<Call> all_calls() {
  return {
      {"on_state", [](Client& client) { client.on_state({}); }},
      {"on_message", [](Client& client) { client.on_message({}); }},
      {"on_chat", [](Client& client) { client.on_chat({}); }},
      {"on_action_result", [](Client& client) { client.on_action_result({}); }},
      {"on_state_update", [](Client& client) { client.on_state_update({}); }},
      {"connect",
       [](Client& client) {
         const auto begun = client.connect();
         ASSERT_FALSE(begun);
         EXPECT_NE(begun.error().message.find("called before"), std::string::npos) << begun.error().message;
       }},
      {"poll", [](Client& client) { client.poll(); }},
      {"poll with a wait", [](Client& client) { client.poll(1ms); }},
      {"submit", [](Client& client) { client.submit({}); }},
      {"input_wait", [](Client& client) { EXPECT_GE(client.input_wait(), 0ns); }},
      {"applied_input", [](Client& client) { static_cast<void>(client.applied_input()); }},
      {"send",
       [](Client& client) {
         EXPECT_NE(client.send(Delivery::ordered, game_type_first, test::Bytes(1)), SendResult::too_long);
       }},
      {"chat", [](Client& client) { EXPECT_NE(client.chat(ChatScope::near, "x"), SendResult::too_long); }},
      {"action", [](Client& client) { client.action(1, 0); }},
      {"command", [](Client& client) { client.command("x", {}); }},
      {"state", [](Client& client) { EXPECT_NE(client.state(), ClientState::idle); }},
      {"reason", [](Client& client) { static_cast<void>(client.reason()); }},
      {"rtt", [](Client& client) { EXPECT_GE(client.rtt().count(), 0); }},
      {"server_tick", [](Client& client) { static_cast<void>(client.server_tick()); }},
      {"statistics", [](Client& client) { EXPECT_GT(client.statistics().sent_datagrams, 0U); }},
      {"faults", [](Client& client) { EXPECT_TRUE(client.faults().empty()); }},
      {"scene", [](Client& client) { client.scene([](const SceneEntity&) {}); }},
      {"own",
       [](Client& client) {
         SceneEntity own;
         static_cast<void>(client.own(own));
       }},
      {"run", [](Client& client) { client.run(); }},
      {"stop", [](Client& client) { client.stop(); }},
      {"disconnect", [](Client& client) { client.disconnect(); }},
  };
}

/// Ends the program when it is not gone in time: a deadlock cannot be left.
class DeadlockGuard {
 public:
  explicit DeadlockGuard(const char* what) {
    std::snprintf(text_, sizeof text_, "deadlock: %s\n", what);
    std::signal(SIGALRM, [](int) {
      [[maybe_unused]] const auto written = write(STDERR_FILENO, text_, std::strlen(text_));
      _exit(1);
    });
    alarm(60);
  }
  ~DeadlockGuard() { alarm(0); }

 private:
  static inline char text_[128];
};

/// Where the game's code runs inside the client, and how to get there.
struct Inside {
  const char* name;
  std::function<void(Client&, std::function<void()>)> set;  ///< have the client call what is given
  std::function<void(test::MiniServer&, test::MiniServer::Peer&, Nanos)> provoke;
};

std::vector<Inside> all_insides() {
  const auto queue_message = [](auto message) {
    return [message](test::MiniServer& server, test::MiniServer::Peer& peer, Nanos now) {
      server.queue_message(peer, now, [&](base::ByteWriter& out) { message::encode(out, message); });
    };
  };
  const auto nothing = [](test::MiniServer&, test::MiniServer::Peer&, Nanos) {};
  static const test::Bytes text = {'y', 'o'};
  return {
      {"on_state",
       [](Client& client, std::function<void()> call) {
         client.on_state([call](ClientState state, const std::string&) {
           if (state == ClientState::playing) call();
         });
       },
       nothing},
      {"on_message",
       [](Client& client, std::function<void()> call) {
         client.on_message([call](Delivery, std::uint8_t, std::span<const std::uint8_t>) { call(); });
       },
       [](test::MiniServer& server, test::MiniServer::Peer& peer, Nanos now) {
         server.queue_message(peer, wire::Channel::reliable_ordered, message::Type::game_own, test::Bytes(5), now);
       }},
      {"on_chat",
       [](Client& client, std::function<void()> call) { client.on_chat([call](const ChatLine&) { call(); }); },
       queue_message(message::Chat{message::ChatScope::near, 9, text})},
      {"on_action_result",
       [](Client& client, std::function<void()> call) {
         client.on_action_result([call](std::uint32_t, ActionOutcome) { call(); });
       },
       queue_message(message::ActionResult{6, message::ActionOutcome::not_now})},
      {"on_state_update",
       [](Client& client, std::function<void()> call) {
         client.on_state_update([call](const NamedState&) { call(); });
       },
       queue_message(message::StateUpdate{11, 12, 3, 4, 0, {}})},
  };
}

/// Have all calls made from inside `inside`, by poll() or on a thread of run().
void make_all_calls(const Inside& inside, bool threaded) {
  SCOPED_TRACE(std::string("inside ") + inside.name + (threaded ? ", on a thread" : ""));
  LiveServer live;
  Client client(live.options(1));
  std::atomic<bool> made{false};
  inside.set(client, [&] {
    if (made) return;
    for (const Call& call : all_calls()) {
      const DeadlockGuard guard((std::string(call.name) + " from inside " + inside.name).c_str());
      call.make(client);
    }
    made = true;
  });
  ASSERT_TRUE(client.connect());
  if (threaded) client.run();
  bool provoked = false;
  for (int i = 0; i < 4'000 && !made; ++i) {
    if (threaded)
      std::this_thread::sleep_for(2ms);
    else
      client.poll(2ms);
    const bool playing = client.state() == ClientState::playing;
    const std::scoped_lock lock(live.mutex);
    if (provoked || !playing || live.server.peers.begin()->second.shakes == 0) continue;
    const auto now = static_cast<Nanos>(std::chrono::steady_clock::now().time_since_epoch().count());
    inside.provoke(live.server, live.server.peers.begin()->second, now);
    provoked = true;
  }
  EXPECT_TRUE(made);
  client.disconnect();
  EXPECT_EQ(client.state(), ClientState::closed);
}

TEST(Client, EveryMemberMayBeCalledFromEveryCallback) {
  ASSERT_TRUE(crypt::initialise());
  for (const Inside& inside : all_insides())
    for (const bool threaded : {false, true}) make_all_calls(inside, threaded);
}

TEST(Client, EveryMemberMayBeCalledFromASceneVisitor) {
  ASSERT_TRUE(crypt::initialise());
  LiveServer live;
  std::uint64_t player = 0;
  for (const bool threaded : {false, true}) {
    Client client(live.options(++player));
    ASSERT_TRUE(client.connect());
    SceneEntity own;
    ASSERT_TRUE(eventually(client, [&] { return client.own(own); })) << client.reason();
    if (threaded) client.run();
    for (const Call& call : all_calls()) {
      SCOPED_TRACE(call.name);
      const DeadlockGuard guard((std::string(call.name) + " from inside a scene visitor").c_str());
      if (std::string_view(call.name) == "run") continue;  // from here on a thread would poll
      bool made = false;
      ASSERT_TRUE(eventually(client, [&] {
        client.scene([&](const SceneEntity&) {
          if (!std::exchange(made, true)) call.make(client);
        });
        return made;
      }));
    }
    EXPECT_EQ(client.state(), ClientState::closed);
  }
}

/// What comes while a callback polls is told when it has returned, behind what had come before.
/// What a callback holds may call the client as it is let go.
TEST(Client, WhatAReplacedCallbackHoldsMayCallTheClient) {
  Client client{ClientOptions{}};
  int calls = 0;
  const auto holder = [&client, &calls] {
    return std::shared_ptr<int>(new int(0), [&client, &calls](const int* held) {
      delete held;
      static_cast<void>(client.statistics());
      ++calls;
    });
  };
  client.on_chat([held = holder()](const auto&...) {});
  client.on_chat({});
  EXPECT_EQ(calls, 1);
}

TEST(Client, MessagesKeepTheirOrderWhenACallbackPolls) {
  ASSERT_TRUE(crypt::initialise());
  LiveServer live;
  Client client(live.options(1));
  const auto queue = [&live](std::uint8_t number) {
    const auto now = static_cast<Nanos>(std::chrono::steady_clock::now().time_since_epoch().count());
    live.server.queue_message(live.server.peers.begin()->second, wire::Channel::reliable_ordered,
                              message::Type::game_own, test::Bytes{number}, now);
  };
  test::Bytes came;
  client.on_message([&](Delivery, std::uint8_t, std::span<const std::uint8_t> content) {
    came.push_back(content[0]);
    if (content[0] != 0) return;
    {
      const std::scoped_lock lock(live.mutex);
      queue(2);
    }
    for (const auto before = client.statistics().messages_received;
         client.statistics().messages_received == before && client.poll(2ms);) {
    }
  });
  ASSERT_TRUE(client.connect());
  ASSERT_TRUE(eventually(client, [&] { return client.chat(ChatScope::near, "open") == SendResult::queued; }));
  {
    const std::scoped_lock lock(live.mutex);
    queue(0);
    queue(1);
  }
  ASSERT_TRUE(eventually(client, [&] { return came.size() == 3; }));
  EXPECT_EQ(came, (test::Bytes{0, 1, 2}));
}

TEST(Client, ReportsWhatIsWrongWithTheFilesOfTheGame) {
  ClientOptions options;
  options.server = "127.0.0.1:9";
  options.token = {1};
  options.dictionary = {1, 2, 3};
  EXPECT_NE(Client(options).connect().error().message.find("the dictionary"), std::string::npos);
  options.dictionary.clear();
  options.integrity_table = {1, 2, 3};
  EXPECT_NE(Client(options).connect().error().message.find("the integrity table"), std::string::npos);
}

TEST(Client, ConnectsOverIpv6) {
  ASSERT_TRUE(crypt::initialise());
  LiveServer live(AF_INET6);
  if (!live.bound()) GTEST_SKIP() << "this machine has no ::1";
  Client client(live.options(1));
  ASSERT_TRUE(client.connect());
  EXPECT_TRUE(eventually(client, [&] { return client.state() == ClientState::playing; })) << client.reason();
}

TEST(Client, ReportsWhatIsWrongWithItsOptions) {
  const char* servers[] = {"",       "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "localhost:1",
                           "[::1:9", ":9"};
  for (const char* server : servers) {
    ClientOptions options;
    options.server = server;
    options.token = {1};
    Client client(options);
    const auto begun = client.connect();
    EXPECT_FALSE(begun) << server;
    EXPECT_FALSE(client.poll());
  }
  ClientOptions options;
  options.server = "127.0.0.1:9";
  Client client(options);
  const auto begun = client.connect();
  ASSERT_FALSE(begun);
  EXPECT_NE(begun.error().message.find("token"), std::string::npos);
}

TEST(Client, EndsWhenNoAnswerComes) {
  ClientOptions options;
  options.server = "127.0.0.1:9";  // discard: refused by ICMP, or silent
  options.token = {1, 2, 3};
  options.connect_timeout = 200ms;
  Client client(options);
  std::string reason;
  client.on_state([&](ClientState state, const std::string& why) {
    if (state == ClientState::closed) reason = why;
  });
  ASSERT_TRUE(client.connect());
  ASSERT_TRUE(eventually(client, [&] { return client.state() == ClientState::closed; }));
  EXPECT_NE(reason.find("200 ms"), std::string::npos) << reason;
}

}  // namespace
}  // namespace serried
