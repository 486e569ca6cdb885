//! A pipe in memory, for tests.

use std::io::{self, Read, Write};
use std::sync::mpsc::{self, Receiver, SyncSender};

/// How many pieces wait for a reader before the writer has to.
const PIECES: usize = 64;

pub(crate) struct MemoryReader {
    pieces: Receiver<Vec<u8>>,
    piece: Vec<u8>,
    taken: usize,
}

pub(crate) struct MemoryWriter {
    pieces: SyncSender<Vec<u8>>,
}

/// Makes a pipe. It ends when the writer is dropped.
pub(crate) fn pipe() -> (MemoryReader, MemoryWriter) {
    let (sender, receiver) = mpsc::sync_channel(PIECES);
    let reader = MemoryReader {
        pieces: receiver,
        piece: Vec::new(),
        taken: 0,
    };
    (reader, MemoryWriter { pieces: sender })
}

impl Read for MemoryReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.piece.len() {
            let Ok(piece) = self.pieces.recv() else {
                return Ok(0);
            };
            self.piece = piece;
            self.taken = 0;
        }
        let rest = &self.piece[self.taken..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        Ok(count)
    }
}

impl Write for MemoryWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        self.pieces
            .send(bytes.to_vec())
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
