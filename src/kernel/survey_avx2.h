#pragma once
/// survey, eight rows at a time. Call only when active_isa() is at least Isa::avx2; survey.h is the way in.

#include "kernel/survey.h"

namespace serried::kernel {

/// As survey, into masks that are 0 and distances that are -1.
void survey_avx2(const std::uint8_t* places, const SurveyRows& rows, unsigned count, const Eye& eye,
                 Survey& out) noexcept;

}  // namespace serried::kernel
