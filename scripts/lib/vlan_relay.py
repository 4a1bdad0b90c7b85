#!/usr/bin/env python3
"""usage: vlan_relay.py INTERFACE VLAN NAME

Stands in for the kernel's VLAN interfaces, which not every kernel has: makes a tap NAME, and passes its frames on to INTERFACE
with the tag VLAN, and what comes there with that tag, and no other, back without it. Until it is killed. Checksums that a
side leaves to the other pass as such (struct virtio_net_hdr)."""

import fcntl
import os
import select
import socket
import struct
import sys

# As the kernel's headers of tun and of packet sockets have them.
TUNSETIFF, IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x400454CA, 0x2, 0x1000, 0x4000
SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_AUXDATA, PACKET_VNET_HDR, PACKET_MR_PROMISC = 263, 1, 8, 15, 1
PACKET_OUTGOING, TP_STATUS_VLAN_VALID = 4, 1 << 4
ETH_P_ALL = 3
HEADER = 10  # of virtio, before each frame
FRAME = 65536


def open_tap(name):
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))
    return tap


def open_wire(interface):
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    wire.bind((interface, 0))
    wire.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP,
                    struct.pack("iHH8x", socket.if_nametoindex(interface), PACKET_MR_PROMISC, 0))
    wire.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    wire.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    return wire


def tag_of(notes):
    """The VLAN of a frame, which the kernel takes out of it and tells beside it; none: untagged."""
    for level, kind, data in notes:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
            status, tci = struct.unpack_from("I12xH", data)
            if status & TP_STATUS_VLAN_VALID:
                return tci & 0xFFF
    return None


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    interface, vlan, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    tap, wire = open_tap(name), open_wire(interface)
    print("ready", flush=True)
    while True:
        for source in select.select([tap, wire], [], [])[0]:
            try:
                if source is wire:
                    frame, notes, _, address = wire.recvmsg(FRAME, 256)
                    if address[2] != PACKET_OUTGOING and tag_of(notes) == vlan:
                        os.write(tap, frame)
                else:
                    frame = os.read(tap, FRAME)
                    macs = HEADER + 12
                    wire.send(frame[:macs] + struct.pack("!HH", 0x8100, vlan) + frame[macs:])
            except OSError:
                pass  # an interface that is down, or full: the frame is lost, as on any wire


if __name__ == "__main__":
    sys.exit(main())
