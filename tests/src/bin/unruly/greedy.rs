//! Takes more than any plugin may.

use std::fs::File;
use std::process::Stdio;
use std::thread;

use anyhow::Result;
use tests::command;

use super::wait;

const MEGABYTE: usize = 1 << 20;

/// Ten gigabytes, each page of them used.
pub(super) fn allocate() -> Result<()> {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    for _ in 0..10 * 1024 {
        taken.push(vec![1; MEGABYTE]);
    }
    drop(taken);
    wait()
}

/// Memory that no single process has: each takes a little.
pub(super) fn allocate_with_children() -> Result<()> {
    for _ in 0..8 {
        command("python3")
            .args(["-c", "taken = bytearray(64 << 20); input()"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            // Dropped, it would end the child's input, and with it the child.
            .map(std::mem::forget)?;
    }
    wait()
}

/// Processor time and nothing else.
pub(super) fn spin() -> Result<()> {
    loop {
        std::hint::spin_loop();
    }
}

/// Each process starts two that do the same.
pub(super) fn fork_bomb() -> Result<()> {
    let own = std::env::current_exe()?;
    loop {
        // Where no more can be had, those that are there try on.
        command(&own)
            .args(["bomb", ""])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .ok();
    }
}

/// Ten thousand threads that stay.
pub(super) fn threads() -> Result<()> {
    for number in 0..10_000 {
        thread::Builder::new()
            .name(number.to_string())
            .stack_size(64 << 10)
            .spawn(|| {
                wait();
            })?;
    }
    wait()
}

/// Files that are never closed, as many as can be had.
pub(super) fn leak_descriptors() -> Result<()> {
    while let Ok(file) = File::open("/dev/null") {
        std::mem::forget(file);
    }
    wait()
}
