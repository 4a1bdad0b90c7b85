#include "tools/impair/report.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"

namespace serried::tools {
namespace {

constexpr std::array<const char*, direction_count> direction_names{"up", "down"};

auto number(std::uint64_t value) { return static_cast<unsigned long long>(value); }

}  // namespace

std::string impair_line(const Relay& relay, double seconds) {
  const RelayCounters &up = relay.counters(Direction::up), &down = relay.counters(Direction::down);
  return base::formatted("impair: %.0f s, %u clients, up %llu of %llu, down %llu of %llu delivered, %llu on their way",
                         seconds, relay.clients(), number(up.delivered), number(up.received), number(down.delivered),
                         number(down.received), number(up.held + down.held));
}

std::string impair_table(const Relay& relay, double seconds) {
  std::string text = base::formatted("%-5s %11s %11s %9s %9s %9s %9s %9s %9s %9s\n", "", "received", "delivered",
                                     "lost", "overflow", "refused", "twice", "reordered", "ms p50", "ms p99");
  for (const Direction direction : {Direction::up, Direction::down}) {
    const RelayCounters& of = relay.counters(direction);
    text += base::formatted("%-5s %11llu %11llu %9llu %9llu %9llu %9llu %9llu %9.2f %9.2f\n",
                            direction_names[static_cast<unsigned>(direction)], number(of.received),
                            number(of.delivered), number(of.lost), number(of.overflowed), number(of.refused),
                            number(of.duplicated), number(of.reordered), base::to_ms(of.delay.quantile(0.5)),
                            base::to_ms(of.delay.quantile(0.99)));
  }
  const RelayCounters &up = relay.counters(Direction::up), &down = relay.counters(Direction::down);
  return text + base::formatted(
                    "%u clients in %.1f s; on their way at the end %llu, dropped by our own system %llu in, %llu out\n",
                    relay.clients(), seconds, number(up.held + down.held), number(up.missed + down.missed),
                    number(up.unsent + down.unsent));
}

std::string impair_json(const Relay& relay, double seconds) {
  base::Json root;
  root["seconds"] = seconds;
  root["clients"] = relay.clients();
  for (const Direction direction : {Direction::up, Direction::down}) {
    const RelayCounters& of = relay.counters(direction);
    root[direction_names[static_cast<unsigned>(direction)]] = {{"received", of.received},
                                                               {"received_bytes", of.received_bytes},
                                                               {"delivered", of.delivered},
                                                               {"delivered_bytes", of.delivered_bytes},
                                                               {"lost", of.lost},
                                                               {"overflowed", of.overflowed},
                                                               {"refused", of.refused},
                                                               {"duplicated", of.duplicated},
                                                               {"reordered", of.reordered},
                                                               {"held", of.held},
                                                               {"missed", of.missed},
                                                               {"unsent", of.unsent},
                                                               {"delay_ms",
                                                                {{"mean", of.delay.mean() * 1e-6},
                                                                 {"p50", base::to_ms(of.delay.quantile(0.5))},
                                                                 {"p99", base::to_ms(of.delay.quantile(0.99))},
                                                                 {"max", base::to_ms(of.delay.max())}}}};
  }
  return root.text(2) + '\n';
}

}  // namespace serried::tools
