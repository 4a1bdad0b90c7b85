#include "tools/impair/options.h"

#include <array>
#include <charconv>
#include <cmath>
#include <iostream>

#include "tools/arguments.h"
#include "wire/endpoint.h"

namespace serried::tools {
namespace {

/// A knob of a link: its option, and what it makes of the number that is given.
struct Knob {
  const char* name;
  const char* unit;
  const char* help;
  double most;
  void (*set)(LinkProfile&, double);
};

Nanos of_ms(double ms) { return static_cast<Nanos>(std::llround(ms * 1e6)); }

constexpr double ms_max = 60'000;
constexpr std::array knobs{
    Knob{"loss", "%", "datagrams that are lost", 100, [](LinkProfile& p, double v) { p.loss = v / 100; }},
    Knob{"delay", "ms", "one way, each direction", ms_max, [](LinkProfile& p, double v) { p.delay = of_ms(v); }},
    Knob{"jitter", "ms", "the delay varies evenly by so much up and down; it is no more than the delay", ms_max,
         [](LinkProfile& p, double v) { p.jitter = of_ms(v); }},
    Knob{"reorder", "%", "datagrams that come later and are overtaken", 100,
         [](LinkProfile& p, double v) { p.reorder = v / 100; }},
    Knob{"reorder-by", "ms", "by how much they come later (20)", ms_max,
         [](LinkProfile& p, double v) { p.reorder_by = of_ms(v); }},
    Knob{"duplicate", "%", "datagrams that come twice", 100, [](LinkProfile& p, double v) { p.duplicate = v / 100; }},
    Knob{"rate", "kbit/s", "of each client and direction, IP and UDP headers included; 0: no limit", 1e9,
         [](LinkProfile& p, double v) { p.rate = static_cast<std::uint64_t>(std::llround(v * 1e3)); }},
    Knob{"queue", "ms", "what would wait longer for the rate is dropped (200)", ms_max,
         [](LinkProfile& p, double v) { p.queue_max = of_ms(v); }},
};
constexpr double unsaid = -1;

std::string names_of_knobs() {
  std::string names;
  for (const Knob& knob : knobs) names += (names.empty() ? "" : ", ") + std::string{knob.name};
  return names;
}

struct Texts {
  std::string listen, server, up, down;
  std::array<double, knobs.size()> values;
};

void declare(Arguments& app, ImpairOptions& options, Texts& texts) {
  app.add("--listen", texts.listen, "where clients send to; UDP port 0: the system chooses")
      .required()
      .unit("ADDRESS:PORT");
  app.add("--server", texts.server, "where the server is; [IPv6]:PORT and [fe80::1%INTERFACE]:PORT too")
      .required()
      .unit("ADDRESS:PORT");
  for (std::size_t i = 0; i < knobs.size(); ++i)
    app.add(std::string{"--"} + knobs[i].name, texts.values[i], knobs[i].help)
        .unit(knobs[i].unit)
        .range(0.0, knobs[i].most);
  app.add("--up", texts.up, "other values for what goes to the server, as loss=5,delay=80").unit("LIST");
  app.add("--down", texts.down, "the same for what comes from it").unit("LIST");
  app.add("--seed", options.relay.seed, "of all that is random").unit("number").shown();
  app.add("--clients", options.relay.clients_max, "clients at once, each with a UDP port towards the server")
      .unit("clients")
      .shown()
      .range(1U, 16'384U);
  app.add("--held", options.relay.held_max, "datagrams on their way at once")
      .unit("datagrams")
      .shown()
      .range(1U, 1U << 20);
  app.add("--seconds", options.seconds, "how long; 0: until Ctrl-C").unit("s").shown().non_negative();
  app.add("--cpu", options.cpu, "run on this CPU").unit("CPU").range(0, 65'535);
  app.add("--json-summary", options.json_file, "where the figures go at the end").unit("FILE");
  app.add_flag("--quiet", options.quiet, "no line a second");
}

Result<wire::Path> endpoint(const std::string& text, bool any_port) {
  // wire::parse_endpoint takes no port 0.
  const bool chosen = any_port && text.ends_with(":0");
  auto path = wire::parse_endpoint(chosen ? text.substr(0, text.size() - 1) + "1" : text);
  if (!path) return path;
  if (wire::lacks_interface(path.value())) return wire::no_interface(text);
  if (chosen) path.value().port = 0;
  return path;
}

Result<Done> understand(ImpairOptions& options, const Texts& texts) {
  const auto listen = endpoint(texts.listen, true);
  if (!listen) return listen.error().within("--listen");
  const auto server = endpoint(texts.server, false);
  if (!server) return server.error().within("--server");
  options.relay.listen = listen.value();
  options.relay.server = server.value();
  for (LinkProfile& profile : options.relay.profile)
    for (std::size_t i = 0; i < knobs.size(); ++i)
      if (texts.values[i] != unsaid) knobs[i].set(profile, texts.values[i]);
  if (const auto up = override_profile(texts.up, options.relay.profile[0]); !up) return up.error().within("--up");
  if (const auto down = override_profile(texts.down, options.relay.profile[1]); !down)
    return down.error().within("--down");
  return Done{};
}

}  // namespace

Result<Done> override_profile(std::string_view text, LinkProfile& profile) {
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    const std::string_view name = part.substr(0, part.find('='));
    const Knob* const knob = std::find_if(knobs.begin(), knobs.end(), [&](const Knob& k) { return name == k.name; });
    if (knob == knobs.end()) return Error{"'" + std::string{name} + "' is not known; there are " + names_of_knobs()};
    const std::string_view number = part.substr(std::min(name.size() + 1, part.size()));
    double value = 0;
    const auto [end, fault] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (fault != std::errc{} || end != number.data() + number.size() || !(value >= 0 && value <= knob->most)) {
      std::array<char, 32> most;
      const auto written = std::to_chars(most.data(), most.data() + most.size(), knob->most);
      return Error{"'" + std::string{part} + "': write " + knob->name + "=NUMBER, from 0 to " +
                   std::string(most.data(), written.ptr) + " " + knob->unit};
    }
    knob->set(profile, value);
  }
  return Done{};
}

ImpairOptions parse_impair_line(int argc, char** argv) {
  ImpairOptions options;
  Texts texts;
  texts.values.fill(unsaid);
  Arguments app(
      "serried-impair",
      "Relays UDP between clients and a server over a link with loss, delay, jitter, reordering and a rate, all "
      "from one seed.");
  declare(app, options, texts);
  if (const auto ended = app.parse(argc, argv)) {
    options.exit_code = *ended;
    return options;
  }
  if (const auto done = understand(options, texts); !done) {
    std::cerr << "serried-impair: " << done.error().message << '\n';
    options.exit_code = exit_usage;
  }
  return options;
}

}  // namespace serried::tools
