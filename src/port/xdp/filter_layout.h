/* What the XDP program and its user-space half share: the maps' keys and values. C and C++, fixed widths, no padding.
 */
#ifndef SERRIED_XDP_FILTER_LAYOUT_H
#define SERRIED_XDP_FILTER_LAYOUT_H

#include <linux/types.h>

/* Names of maps; the kernel keeps 15 characters. */
#define SERRIED_MAP_CONFIG "srd_config"
#define SERRIED_MAP_COUNTERS "srd_counters"
#define SERRIED_MAP_BANS_V4 "srd_bans_v4"
#define SERRIED_MAP_BANS_V6 "srd_bans_v6"

enum { serried_bans_max = 8192, serried_sources_max = 65536, serried_length_min = 18, serried_length_max = 1200 };

enum serried_filter_counter {
  serried_filter_redirected,
  serried_filter_banned,
  serried_filter_rate,
  serried_filter_malformed,
  serried_filter_counters
};

/* Array of one. All zeros, as it is until the server has written it: everything is the kernel's. */
struct serried_filter_config {
  __u8 ipv6[16];
  __u32 ipv4; /* network order */
  __u16 port; /* network order; 0: no port is ours */
  __u8 has_ipv4;
  __u8 has_ipv6;
  __u64 interval_ns; /* between two datagrams of a source, on average; 0: no limit */
  __u64 tolerance_ns;
};

struct serried_ban_v4 {
  __u32 bits;
  __u8 address[4];
};
struct serried_ban_v6 {
  __u32 bits;
  __u8 address[16];
};

#endif
