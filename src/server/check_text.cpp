// What --check finds, as a table for people and as JSON for programs.

#include <algorithm>
#include <array>
#include <string_view>

#include "base/json.h"
#include "server/check.h"

namespace serried::server {
namespace {

using base::Json;

constexpr std::string_view reset = "\x1b[0m";

std::string_view colour_of(State state) {
  switch (state) {
    case State::ok:
      return "\x1b[32m";
    case State::missing:
    case State::cannot_tell:
      return "\x1b[31m";
    case State::advised:
      return "\x1b[33m";
    case State::not_needed:
      break;
  }
  return "\x1b[2m";
}

std::string word_of(State state) {
  if (state == State::ok) return "OK";
  if (state == State::missing) return "MISSING";
  return state_name(state);
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

std::string name_of(const Finding& finding) {
  return finding.subject.empty() ? finding.item : finding.item + " " + finding.subject;
}

std::size_t count_of(std::span<const Finding> findings, State state) {
  return static_cast<std::size_t>(std::count_if(findings.begin(), findings.end(),
                                                [state](const Finding& finding) { return finding.state == state; }));
}

std::string joined(const std::vector<std::string>& texts) {
  std::string line;
  for (const std::string& text : texts) line += (line.empty() ? "" : ", ") + text;
  return line;
}

std::string profile_text(const config::Profile& profile) {
  std::string text = "\nprofile " + profile.name + ": " + profile.about + "; " +
                     (profile.tried.empty() ? "not tried here" : "tried: " + profile.tried) + "\n";
  if (!profile.checksums.empty()) text += "  expected: checksums by the device: " + joined(profile.checksums) + "\n";
  if (!profile.rss.empty()) text += "  expected: with several io lanes spread by " + joined(profile.rss) + "\n";
  for (const config::Figure& figure : profile.figures)
    text += "  expected: " + figure.what + ": " + figure.value + " (" + figure.source + ")\n";
  return text;
}

Json profile_json(const config::Profile& profile) {
  Json figures = Json::array();
  for (const config::Figure& figure : profile.figures)
    figures.push_back(Json{{"what", figure.what}, {"value", figure.value}, {"source", figure.source}});
  return Json{{"name", profile.name},   {"about", profile.about},         {"driver", profile.driver},
              {"tried", profile.tried}, {"checksums", profile.checksums}, {"rss", profile.rss},
              {"figures", figures}};
}

}  // namespace

std::string check_text(const Needs& needs, std::span<const Finding> findings, bool colour) {
  std::size_t names = 0, words = 0;
  for (const Finding& finding : findings) {
    names = std::max(names, name_of(finding).size());
    words = std::max(words, word_of(finding.state).size());
  }
  std::string text, group;
  for (const Finding& finding : findings) {
    if (finding.group != group) {
      group = finding.group;
      text += (text.empty() ? "" : "\n") + group + "\n";
    }
    std::string word = padded(word_of(finding.state), words);
    if (colour) word.insert(0, colour_of(finding.state)).append(reset);
    text += "  " + padded(name_of(finding), names) + "  " + word + "  " + finding.text + "\n";
    for (const Change& change : finding.changes)
      text += std::string(names + words + 6, ' ') + "-> " + command_of(change) + "\n";
  }
  if (needs.profile) text += profile_text(*needs.profile);
  const auto number = [&](State state) { return std::to_string(count_of(findings, state)); };
  return text + "\n" + number(State::ok) + " OK, " + number(State::missing) + " missing, " +
         number(State::cannot_tell) + " cannot tell, " + number(State::advised) + " advised, " +
         number(State::not_needed) + " not needed\n";
}

std::string check_json(const Needs& needs, std::span<const Finding> findings) {
  Json items = Json::array();
  for (const Finding& finding : findings) {
    Json changes = Json::array();
    for (const Change& change : finding.changes)
      changes.push_back(Json{{"kind", kind_name(change.kind)},
                             {"where", change.where},
                             {"what", change.what},
                             {"command", command_of(change)}});
    items.push_back(Json{{"item", finding.item},
                         {"group", finding.group},
                         {"subject", finding.subject},
                         {"state", state_name(finding.state)},
                         {"text", finding.text},
                         {"changes", changes}});
  }
  Json counts = Json::object();
  for (const State state : {State::ok, State::missing, State::cannot_tell, State::advised, State::not_needed})
    counts[state_name(state)] = count_of(findings, state);
  Json all{{"ready", exit_code(findings) == 0}, {"counts", counts}, {"eal", needs.arguments}, {"items", items}};
  if (needs.profile) all["profile"] = profile_json(*needs.profile);
  return all.text(2) + "\n";
}

}  // namespace serried::server
