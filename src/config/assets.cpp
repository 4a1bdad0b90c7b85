#include "config/assets.h"

#include <utility>

#include "base/file.h"
#include "base/utf8.h"
#include "message/type.h"

namespace serried::config {
namespace {

/// Text for every player that joins; empty, and a fault, when it cannot be sent.
std::string load_welcome(const std::string& file, std::vector<Fault>& faults) {
  constexpr std::size_t bytes_max = message::message_bytes_max - 1;
  const auto refuse = [&](std::string why) {
    faults.push_back({"--welcome-file " + file + ":", std::move(why)});
    return std::string{};
  };
  const auto read = base::read_file(file);
  if (!read) return refuse("cannot be read; check the path and its permissions");
  std::string text = *read;
  if (text.size() > bytes_max)
    return refuse("has " + std::to_string(text.size()) + " bytes, and a message at most " + std::to_string(bytes_max) +
                  "; shorten it");
  if (!base::is_utf8(text)) return refuse("is no UTF-8; save it as such");
  return text;
}

}  // namespace

Assets load_assets(const ServerConfig& config, std::vector<Fault>& faults) {
  Assets assets;
  std::vector<crypt::IntegrityVersion> versions;
  for (const std::string& file : config.integrity_files) {
    auto version = crypt::load_integrity_version(file);
    if (version)
      versions.push_back(std::move(version).value());
    else
      faults.push_back({"--integrity " + file + ":", version.error().message});
  }
  auto tables = crypt::IntegrityTables::make(std::move(versions));
  if (tables)
    assets.integrity = std::move(tables).value();
  else
    faults.push_back({"--integrity:", tables.error().message});
  if (!config.dictionary.empty()) {
    auto dictionary = channel::load_dictionary(config.dictionary);
    if (dictionary)
      assets.dictionary = std::move(dictionary).value();
    else
      faults.push_back({"--dictionary " + config.dictionary + ":", dictionary.error().message});
  }
  if (!config.welcome_file.empty()) assets.welcome = load_welcome(config.welcome_file, faults);
  return assets;
}

}  // namespace serried::config
