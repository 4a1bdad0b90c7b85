#pragma once
/// What a server reads from files once, and its lanes then share without writing: tables of client builds, the
/// dictionary of packed bodies, the text of welcome.

#include <optional>
#include <string>
#include <vector>

#include "channel/dictionary.h"
#include "config/config.h"
#include "crypt/integrity.h"

namespace serried::config {

struct Assets {
  crypt::IntegrityTables integrity;
  std::optional<channel::Dictionary> dictionary;
  std::string welcome;
};

/// Load what `config` names. What is wrong with a file becomes a fault, and its part stays empty.
[[nodiscard]] Assets load_assets(const ServerConfig& config, std::vector<Fault>& faults);

}  // namespace serried::config
