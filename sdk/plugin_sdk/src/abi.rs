//! The border between the runner and a library plugin, in C's terms.
//!
//! A library exports one symbol, [`SYMBOL`], a function that takes the runner's [`ABI_VERSION`] and returns its [`PluginTable`], or null when it cannot live with that version.
//! Requests and answers are JSON in UTF-8, the same as on the wire.
//! Each side frees what it allocated, no panic crosses, a table begins with its size so that later versions can add fields at its end, and a library is never unloaded.

mod exported;
mod loaded;

use std::ffi::c_void;
use std::slice;

pub use exported::{create, plugin_table};
pub use loaded::{AbiError, LoadedPlugin};

/// The version of the tables.
pub const ABI_VERSION: u32 = 1;

/// The symbol that a library plugin exports.
pub const SYMBOL: &str = "callboard_plugin_v1";

/// What [`SYMBOL`] is: the host's version in, the plugin's table out.
pub type Entry = unsafe extern "C" fn(host_abi: u32) -> *const PluginTable;

/// The answer is a result.
pub const STATUS_OK: i32 = 0;
/// The answer is a failure.
pub const STATUS_FAILED: i32 = 1;

/// Bytes that are lent for the time of a call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Bytes {
    /// Where they begin; may be null when there are none.
    pub data: *const u8,
    /// How many there are.
    pub len: usize,
}

/// Bytes that belong to whoever allocated them, and go back to its `free`.
#[repr(C)]
#[derive(Debug)]
pub struct Buffer {
    /// Where they begin; may be null when there are none.
    pub data: *mut u8,
    /// How many there are.
    pub len: usize,
    /// How many there is room for.
    pub capacity: usize,
}

/// What a library calls. Lives as long as the process; any thread may call.
#[repr(C)]
#[derive(Debug)]
pub struct HostTable {
    /// The table's size in bytes.
    pub size: u32,
    /// The table's version.
    pub abi: u32,
    /// Handed back with every call.
    pub context: *const c_void,
    /// Asks the host, waits for at most so many milliseconds, and fills in the answer.
    pub request: unsafe extern "C" fn(
        context: *const c_void,
        method: Bytes,
        params: Bytes,
        deadline_ms: u64,
        answer: *mut Buffer,
    ) -> i32,
    /// Tells the host.
    pub notify: unsafe extern "C" fn(context: *const c_void, method: Bytes, params: Bytes),
    /// Tells, by anything but 0, that the running turn was cancelled.
    pub cancelled: unsafe extern "C" fn(context: *const c_void) -> i32,
    /// Waits for a cancel for at most so many milliseconds, and tells whether it came.
    pub wait_for_cancel: unsafe extern "C" fn(context: *const c_void, milliseconds: u64) -> i32,
    /// Takes back an answer.
    pub free: unsafe extern "C" fn(buffer: Buffer),
}

/// What a library is called by. Lives as long as the process; one thread at a time calls.
#[repr(C)]
#[derive(Debug)]
pub struct PluginTable {
    /// The table's size in bytes.
    pub size: u32,
    /// The table's version.
    pub abi: u32,
    /// Makes the plugin; null, with a failure in `failure`, when it cannot be made.
    pub create: unsafe extern "C" fn(host: *const HostTable, failure: *mut Buffer) -> *mut c_void,
    /// Does one turn: a launch in, an outcome or a failure out.
    pub launch:
        unsafe extern "C" fn(plugin: *mut c_void, params: Bytes, answer: *mut Buffer) -> i32,
    /// Ends the plugin. Nothing of it is called afterwards.
    pub destroy: unsafe extern "C" fn(plugin: *mut c_void),
    /// Takes back an answer or a failure.
    pub free: unsafe extern "C" fn(buffer: Buffer),
    /// Answers the change of a live field: a change in, patches or a failure out. A table that ends before it knows none.
    pub change:
        unsafe extern "C" fn(plugin: *mut c_void, params: Bytes, answer: *mut Buffer) -> i32,
}

impl Bytes {
    fn lent(bytes: &[u8]) -> Self {
        Self {
            data: bytes.as_ptr(),
            len: bytes.len(),
        }
    }

    /// Returns the bytes.
    ///
    /// # Safety
    ///
    /// They are there, and stay as they are, for as long as the slice is used.
    #[expect(unsafe_code, reason = "bytes come across the border as a pointer")]
    unsafe fn as_slice<'a>(self) -> &'a [u8] {
        if self.data.is_null() || self.len == 0 {
            return &[];
        }
        // SAFETY: the caller's promise.
        unsafe { slice::from_raw_parts(self.data, self.len) }
    }
}

impl Buffer {
    const EMPTY: Self = Self {
        data: std::ptr::null_mut(),
        len: 0,
        capacity: 0,
    };

    /// Gives bytes away, to be taken back by [`free_buffer`] of the same side.
    fn given(bytes: Vec<u8>) -> Self {
        let mut bytes = std::mem::ManuallyDrop::new(bytes);
        Self {
            data: bytes.as_mut_ptr(),
            len: bytes.len(),
            capacity: bytes.capacity(),
        }
    }

    fn lent(&self) -> Bytes {
        Bytes {
            data: self.data,
            len: self.len,
        }
    }
}

/// Takes back what [`Buffer::given`] of this side gave away.
///
/// # Safety
///
/// The buffer was made by this side, and is given back once.
#[expect(
    unsafe_code,
    reason = "memory comes back across the border as a pointer"
)]
unsafe extern "C" fn free_buffer(buffer: Buffer) {
    if !buffer.data.is_null() {
        // SAFETY: `given` took these three from a vector, and the caller promises that they are untouched.
        drop(unsafe { Vec::from_raw_parts(buffer.data, buffer.len, buffer.capacity) });
    }
}

fn table_size<T>() -> u32 {
    u32::try_from(size_of::<T>()).expect("a table is a few dozen bytes")
}
