// Nothing but gtest: any other header in here would hide that a test forgot to include it.
#include <gtest/gtest.h>
