#include "control/assets.h"

#include <utility>

namespace serried::control {

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
  return assets;
}

}  // namespace serried::control
