"""Serried's wire protocol a second time, in plain Python, from docs/wire-format.md alone: the model for another client or
server. Nothing here knows the C++ code, and nothing but the standard library is used. Read it in this order:

    primitives  CRC32C, ChaCha20-Poly1305, XChaCha20-Poly1305, X25519, HKDF, LZ4          (their RFCs)
    layout      bytes in and out, and layouts written as the page writes them
    messages    section 3 and 7: every message, decoded to a dict and back
    datagram    section 1, 2, 4, 5: header, body, ack block, token, cookie proof, key schedule, sealing
    entities    section 6: records applied, quantisation, audits, the view of a client
    channels    section 2: replay window, acks, reliable channels, fragments, both halves
    client      section 4, 5, 8: a whole client over a UDP socket

    page, vectors, play   the three things ../verify_wire_format.py does with it
"""
