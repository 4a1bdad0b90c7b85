/* The first filter of all, in the kernel's driver path: hands our UDP to the AF_XDP sockets and leaves everything else
 * (ARP, ICMP, SSH, other UDP) to the kernel, so that server and machine share an interface. What is ours and cannot be
 * a datagram, or comes from a banned address, or comes too fast, ends here, before it costs a buffer.
 *
 *     frame -> link, up to two VLAN tags -> IPv4 | IPv6 -> to us? UDP? our port? -> length -> ban -> rate -> socket
 *                  no, at any of these: the kernel's           no, at any of these: dropped and counted
 *
 * Only what is certainly ours is dropped. A fragment has no port behind the first: a fragment of UDP to our address is
 * dropped when it is the first and names our port, and otherwise left to the kernel, which can make nothing of the
 * rest.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

/* clang-format off: they need the kernel's types before them */
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

#include "filter_layout.h"

#define VLAN_TAGS_MAX 2
#define IPV6_FRAGMENT 44

struct vlan_tag {
  __be16 tci;
  __be16 inner_type;
};

struct fragment_header {
  __u8 next;
  __u8 reserved;
  __be16 offset;
  __be32 id;
};

/* net_af_xdp writes its sockets into a map of this name. */
struct {
  __uint(type, BPF_MAP_TYPE_XSKMAP);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, __u32);
} xsks_map SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct serried_filter_config);
} srd_config SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, serried_filter_counters);
  __type(key, __u32);
  __type(value, __u64);
} srd_counters SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, serried_bans_max);
  __type(key, struct serried_ban_v4);
  __type(value, __u8);
} srd_bans_v4 SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, serried_bans_max);
  __type(key, struct serried_ban_v6);
  __type(value, __u8);
} srd_bans_v6 SEC(".maps");

/* Whose datagrams are counted together: an IPv4 address, mapped, or an IPv6 network of 64 bits, in which a sender that has one
 * address has all. */
struct source {
  __u8 address[16];
};

/* GCRA: when the next datagram of a source is due. A full map forgets the sources that were silent longest. Forged
 * sources may fill it: a source that is forgotten may send a second's worth again, and it takes as many datagrams as
 * the map has places to make it forget one. So the map never keeps an honest source out, and forging pays less than
 * it costs. What forgers send passes here, each source at its rate, and meets the limits of the lanes. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, serried_sources_max);
  __type(key, struct source);
  __type(value, __u64);
} srd_sources SEC(".maps");

static __always_inline void count(__u32 counter) {
  __u64* const value = bpf_map_lookup_elem(&srd_counters, &counter);
  if (value) ++*value;
}

static __always_inline int refuse(__u32 counter) {
  count(counter);
  return XDP_DROP;
}

/* Two CPUs may look at one source at once: one of their datagrams is then not counted, which does no harm. */
static __always_inline int too_fast(const struct serried_filter_config* config, const struct source* source) {
  if (config->interval_ns == 0) return 0;
  const __u64 now = bpf_ktime_get_ns();
  __u64* const due = bpf_map_lookup_elem(&srd_sources, source);
  if (!due) {
    const __u64 next = now + config->interval_ns;
    bpf_map_update_elem(&srd_sources, source, &next, BPF_ANY);
    return 0;
  }
  if (*due > now + config->tolerance_ns) return 1;
  *due = (*due > now ? *due : now) + config->interval_ns;
  return 0;
}

/* The datagram is ours by address, protocol and port. */
static __always_inline int ours(struct xdp_md* frame, const struct serried_filter_config* config,
                                const struct source* source, int banned, int fragment, __u16 udp_length) {
  if (banned) return refuse(serried_filter_banned);
  if (fragment || udp_length < sizeof(struct udphdr) + serried_length_min ||
      udp_length > sizeof(struct udphdr) + serried_length_max)
    return refuse(serried_filter_malformed);
  if (too_fast(config, source)) return refuse(serried_filter_rate);
  /* A queue without a socket passes its frames on to the kernel. */
  const int action = bpf_redirect_map(&xsks_map, frame->rx_queue_index, XDP_PASS);
  if (action == XDP_REDIRECT) count(serried_filter_redirected);
  return action;
}

static __always_inline int ipv4(struct xdp_md* frame, const struct serried_filter_config* config, void* at, void* end) {
  const struct iphdr* const ip = at;
  if ((void*)(ip + 1) > end || ip->version != 4 || ip->ihl < 5) return XDP_PASS;
  if (!config->has_ipv4 || ip->daddr != config->ipv4 || ip->protocol != IPPROTO_UDP) return XDP_PASS;
  const __u16 offset = bpf_ntohs(ip->frag_off);
  if (offset & 0x1FFF) return XDP_PASS;
  const struct udphdr* const udp = at + ip->ihl * 4;
  if ((void*)(udp + 1) > end || udp->dest != config->port) return XDP_PASS;
  struct source source = {.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}};
  struct serried_ban_v4 key = {.bits = 32};
  __builtin_memcpy(source.address + 12, &ip->saddr, 4);
  __builtin_memcpy(key.address, &ip->saddr, 4);
  const int banned = bpf_map_lookup_elem(&srd_bans_v4, &key) != 0;
  return ours(frame, config, &source, banned, offset & 0x2000, bpf_ntohs(udp->len));
}

static __always_inline int is_ours_v6(const struct serried_filter_config* config, const struct in6_addr* to) {
  __u64 a[2], b[2];
  __builtin_memcpy(a, config->ipv6, 16);
  __builtin_memcpy(b, to, 16);
  return config->has_ipv6 && a[0] == b[0] && a[1] == b[1];
}

static __always_inline int ipv6(struct xdp_md* frame, const struct serried_filter_config* config, void* at, void* end) {
  const struct ipv6hdr* const ip = at;
  if ((void*)(ip + 1) > end || !is_ours_v6(config, &ip->daddr)) return XDP_PASS;
  void* behind = (void*)(ip + 1);
  int fragment = 0;
  __u8 protocol = ip->nexthdr;
  if (protocol == IPV6_FRAGMENT) {
    const struct fragment_header* const header = behind;
    if ((void*)(header + 1) > end || bpf_ntohs(header->offset) >> 3) return XDP_PASS;
    protocol = header->next;
    behind = (void*)(header + 1);
    fragment = 1;
  }
  const struct udphdr* const udp = behind;
  if (protocol != IPPROTO_UDP || (void*)(udp + 1) > end || udp->dest != config->port) return XDP_PASS;
  struct source source = {.address = {0}};
  struct serried_ban_v6 key = {.bits = 128};
  __builtin_memcpy(source.address, &ip->saddr, 8);
  __builtin_memcpy(key.address, &ip->saddr, 16);
  const int banned = bpf_map_lookup_elem(&srd_bans_v6, &key) != 0;
  return ours(frame, config, &source, banned, fragment, bpf_ntohs(udp->len));
}

SEC("xdp")
int serried_filter(struct xdp_md* frame) {
  void* const end = (void*)(long)frame->data_end;
  void* at = (void*)(long)frame->data;
  const __u32 zero = 0;
  const struct serried_filter_config* const config = bpf_map_lookup_elem(&srd_config, &zero);
  if (!config || config->port == 0) return XDP_PASS;
  const struct ethhdr* const link = at;
  if ((void*)(link + 1) > end) return XDP_PASS;
  __be16 type = link->h_proto;
  at = (void*)(link + 1);
#pragma unroll
  for (int i = 0; i < VLAN_TAGS_MAX; ++i) {
    if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD)) break;
    const struct vlan_tag* const tag = at;
    if ((void*)(tag + 1) > end) return XDP_PASS;
    type = tag->inner_type;
    at = (void*)(tag + 1);
  }
  if (type == bpf_htons(ETH_P_IP)) return ipv4(frame, config, at, end);
  if (type == bpf_htons(ETH_P_IPV6)) return ipv6(frame, config, at, end);
  return XDP_PASS;
}

/* None of the helpers that are kept for the GPL is called. */
char _license[] SEC("license") = "Apache-2.0";
