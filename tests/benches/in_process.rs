//! The same call without any isolation: the library in this process, called through its C ABI.

use std::ffi::c_void;
use std::path::Path;
use std::ptr;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use callboard_plugin_sdk::abi::{
    ABI_VERSION, Buffer, Bytes, Entry, HostTable, STATUS_FAILED, STATUS_OK, SYMBOL,
};
use libloading::Library;

/// Calls the library `calls` times with the parameters of a launch, and tells how many microseconds each call took.
#[expect(unsafe_code, reason = "the library is called without what guards it")]
pub(crate) fn called(library: &Path, params: &[u8], calls: usize) -> Result<Vec<f64>> {
    // SAFETY: the library is the smallest plugin of this repository, and its constructors do nothing.
    let library = unsafe { Library::new(library) }?;
    // SAFETY: the symbol of this name is an `Entry`.
    let entry = unsafe { library.get::<Entry>(SYMBOL.as_bytes()) }?;
    // SAFETY: the table lives as long as the process; the library is dropped after the last call.
    let table = unsafe { entry(ABI_VERSION).as_ref() }.context("the library is too old")?;
    let host = HostTable {
        size: u32::try_from(size_of::<HostTable>())?,
        abi: ABI_VERSION,
        context: ptr::null(),
        request: refuse,
        notify: ignore,
        cancelled: never,
        wait_for_cancel: never_in_time,
        free: keep,
    };
    let mut answer = empty();
    // SAFETY: both live until the plugin has been destroyed.
    let plugin = unsafe { (table.create)(&raw const host, &raw mut answer) };
    ensure!(!plugin.is_null(), "the plugin could not be made");
    let lent = Bytes {
        data: params.as_ptr(),
        len: params.len(),
    };
    let mut taken = Vec::with_capacity(calls);
    for _ in 0..calls {
        let mut answer = empty();
        let began = Instant::now();
        // SAFETY: the plugin is alive, the parameters outlive the call, and the answer goes back where it came from.
        let status = unsafe {
            let status = (table.launch)(plugin, lent, &raw mut answer);
            (table.free)(answer);
            status
        };
        taken.push(began.elapsed().as_secs_f64() * 1e6);
        ensure!(status == STATUS_OK, "the plugin failed");
    }
    // SAFETY: nothing calls the plugin from here on.
    unsafe { (table.destroy)(plugin) };
    Ok(taken)
}

fn empty() -> Buffer {
    Buffer {
        data: ptr::null_mut(),
        len: 0,
        capacity: 0,
    }
}

/// The smallest plugin asks nothing of its host.
extern "C" fn refuse(_: *const c_void, _: Bytes, _: Bytes, _: u64, _: *mut Buffer) -> i32 {
    STATUS_FAILED
}

extern "C" fn ignore(_: *const c_void, _: Bytes, _: Bytes) {}

extern "C" fn never(_: *const c_void) -> i32 {
    0
}

extern "C" fn never_in_time(_: *const c_void, _: u64) -> i32 {
    0
}

extern "C" fn keep(_: Buffer) {}
