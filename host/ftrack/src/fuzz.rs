//! What fuzzing gives a stranger's bytes to. It is no part of the interface.

/// Reads a packet of the event hub, and returns whether it is one.
pub fn hub_reads(packet: &str) -> bool {
    crate::event_hub::reads_packet(packet)
}
