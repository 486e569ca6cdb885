//! Framing, handshake and connections for Callboard's protocol.
