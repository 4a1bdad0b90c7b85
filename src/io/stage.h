#pragma once
/// The stages of the io lane (stage.def) as an enum, and what may watch them.

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace serried::io {

enum class Stage : std::uint8_t {
#define SERRIED_IO_STAGE(way, name, header, what) name,
#include "io/stage.def"
};

struct StageText {
  std::string_view name, what;
};
inline constexpr std::array stage_texts = {
#define SERRIED_IO_STAGE(way, name, header, what) StageText{#name, what},
#include "io/stage.def"
};
inline constexpr std::size_t stage_count = stage_texts.size();

/// What measures the stages of an io lane: `watch` is called before each; the stage is over when its result is
/// destroyed.
template <class P>
concept StageProbe = std::default_initializable<P> && requires(P& probe, Stage stage) {
  probe.watch(stage);
};

/// The probe of production: compiles to nothing.
struct NoProbe {
  struct Nothing {};
  static constexpr Nothing watch(Stage) noexcept { return {}; }
};
static_assert(StageProbe<NoProbe>);

}  // namespace serried::io
