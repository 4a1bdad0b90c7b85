#pragma once
/// Whether frames still come by a device. One that was reset behind its driver's back takes what is sent, and says
/// nothing of it: its link is up, and no driver tells that from a quiet network. But answers to what is sent do not
/// come either.

#include <cstdint>

#include "serried/time.h"

namespace serried::port {

class SilenceWatch {
 public:
  static constexpr Nanos patience = 10 * second;
  static constexpr std::uint64_t frames_min = 10;  ///< that were to be answered

  /// The frames of the device so far. A driver may begin to count anew.
  void note(std::uint64_t received, std::uint64_t sent, Nanos now) noexcept {
    if (received != received_ || sent < sent_before_ || since_ == 0) {
      received_ = received;
      sent_before_ = sent;
      since_ = now;
    }
    silent_ = now - since_ >= patience && sent - sent_before_ >= frames_min;
  }
  /// For so long nothing came, and frames went out.
  [[nodiscard]] bool silent() const noexcept { return silent_; }

 private:
  std::uint64_t received_ = 0, sent_before_ = 0;  ///< the latter when the last frame came
  Nanos since_ = 0;
  bool silent_ = false;
};

}  // namespace serried::port
