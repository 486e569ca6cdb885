//! The runner's side of the border.

use std::ffi::c_void;
use std::mem::offset_of;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use callboard_protocol::{Failure, FailureKind};
use serde_json::Value;

use super::{
    ABI_VERSION, Buffer, Bytes, Entry, HostTable, PluginTable, STATUS_FAILED, STATUS_OK,
    free_buffer, table_size,
};
use crate::Host;
use crate::link::Link;
use crate::plugin::{Turns, failure_from_panic, no_changes};

/// Why a library cannot be used as a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AbiError {
    /// It refuses this version of the interface.
    #[error("the library refuses version {ABI_VERSION} of the library interface")]
    Refused,
    /// It has another version of the interface.
    #[error(
        "the library has version {theirs} of the library interface, Callboard has {ABI_VERSION}"
    )]
    OtherVersion {
        /// The library's version.
        theirs: u32,
    },
    /// Its table is smaller than its version says.
    #[error("the library's table has {bytes} bytes, fewer than its version needs")]
    Truncated {
        /// The size that the table states.
        bytes: u32,
    },
}

/// A plugin behind the C ABI.
///
/// The plugin is made at its first turn, since only then there is a host to give it.
pub struct LoadedPlugin {
    table: Table,
    plugin: *mut c_void,
}

type Turn = unsafe extern "C" fn(plugin: *mut c_void, params: Bytes, answer: *mut Buffer) -> i32;

/// What a library's table holds, as far as it reaches.
struct Table {
    create: unsafe extern "C" fn(host: *const HostTable, failure: *mut Buffer) -> *mut c_void,
    launch: Turn,
    destroy: unsafe extern "C" fn(plugin: *mut c_void),
    free: unsafe extern "C" fn(buffer: Buffer),
    change: Option<Turn>,
}

#[expect(
    unsafe_code,
    reason = "a plugin is `Send`, and called by one thread at a time"
)]
// SAFETY: `export_plugin!` takes a `Plugin`, which is `Send`; other languages are told so by the table.
unsafe impl Send for LoadedPlugin {}

impl LoadedPlugin {
    /// Asks a library for its table.
    ///
    /// # Errors
    ///
    /// The library was made for another version of the interface.
    ///
    /// # Safety
    ///
    /// `entry` is the symbol [`SYMBOL`](super::SYMBOL) of a library that is never unloaded and keeps the promises of [`PluginTable`].
    #[expect(unsafe_code, reason = "calls into the library")]
    pub unsafe fn from_entry(entry: Entry) -> Result<Self, AbiError> {
        // SAFETY: the caller's promise. Only the first two fields are read before the size is known.
        let table = unsafe { entry(ABI_VERSION) };
        if table.is_null() {
            return Err(AbiError::Refused);
        }
        // SAFETY: as above.
        let (bytes, theirs) = unsafe { ((*table).size, (*table).abi) };
        if theirs != ABI_VERSION {
            return Err(AbiError::OtherVersion { theirs });
        }
        if (bytes as usize) < offset_of!(PluginTable, change) {
            return Err(AbiError::Truncated { bytes });
        }
        let is_whole = bytes >= table_size::<PluginTable>();
        // SAFETY: the table reaches as far as it says, and lives as long as the library.
        let table = unsafe {
            Table {
                create: (*table).create,
                launch: (*table).launch,
                destroy: (*table).destroy,
                free: (*table).free,
                change: is_whole.then(|| (*table).change),
            }
        };
        let plugin = std::ptr::null_mut();
        Ok(Self { table, plugin })
    }

    #[expect(unsafe_code, reason = "calls into the library")]
    fn make(&mut self, host: &Host) -> Result<(), Failure> {
        let mut failure = Buffer::EMPTY;
        // SAFETY: the table is the library's own; ours lives as long as the process.
        self.plugin = unsafe { (self.table.create)(host_table(host), &raw mut failure) };
        if self.plugin.is_null() {
            return Err(self.take_failure(failure));
        }
        Ok(())
    }

    /// Reads a failure and gives its bytes back.
    #[expect(unsafe_code, reason = "reads and frees the library's memory")]
    fn take_failure(&self, buffer: Buffer) -> Failure {
        // SAFETY: the library filled the buffer in, or left it empty, and gets it back once.
        let failure = unsafe {
            let failure = serde_json::from_slice(buffer.lent().as_slice());
            (self.table.free)(buffer);
            failure
        };
        failure.unwrap_or_else(|error| nonsense(&error))
    }
}

impl Turns for LoadedPlugin {
    fn turn(&mut self, params: Value, host: &Host) -> Result<Value, Failure> {
        self.call(self.table.launch, &params, host)
    }

    fn change(&mut self, params: Value, host: &Host) -> Result<Value, Failure> {
        match self.table.change {
            Some(change) => self.call(change, &params, host),
            None => Err(no_changes()),
        }
    }
}

impl LoadedPlugin {
    #[expect(unsafe_code, reason = "calls into the library")]
    fn call(&mut self, entry: Turn, params: &Value, host: &Host) -> Result<Value, Failure> {
        if self.plugin.is_null() {
            self.make(host)?;
        }
        let params = params.to_string();
        let mut answer = Buffer::EMPTY;
        // SAFETY: the plugin is the library's own, this is the one thread that calls, and what is lent outlives the call.
        let status = unsafe { entry(self.plugin, Bytes::lent(params.as_bytes()), &raw mut answer) };
        if status != STATUS_OK {
            return Err(self.take_failure(answer));
        }
        // SAFETY: as in `take_failure`.
        let outcome = unsafe {
            let outcome = serde_json::from_slice(answer.lent().as_slice());
            (self.table.free)(answer);
            outcome
        };
        outcome.map_err(|error| nonsense(&error))
    }
}

impl Drop for LoadedPlugin {
    #[expect(unsafe_code, reason = "calls into the library")]
    fn drop(&mut self) {
        if !self.plugin.is_null() {
            // SAFETY: the plugin is the library's own, and is not used again.
            unsafe { (self.table.destroy)(self.plugin) };
        }
    }
}

fn nonsense(error: &serde_json::Error) -> Failure {
    Failure::new(FailureKind::Plugin, "the plugin's answer makes no sense")
        .hint("tell its author")
        .caused_by(error)
}

/// Makes the table that the library calls. It and its host are never freed: the library may keep threads that call for ever.
fn host_table(host: &Host) -> &'static HostTable {
    let context: &'static Host = Box::leak(Box::new(host.clone()));
    Box::leak(Box::new(HostTable {
        size: table_size::<HostTable>(),
        abi: ABI_VERSION,
        context: std::ptr::from_ref(context).cast(),
        request,
        notify,
        cancelled,
        wait_for_cancel,
        free: free_buffer,
    }))
}

/// Returns the link that a table's context is.
///
/// # Safety
///
/// `context` is that of a table made by [`host_table`].
#[expect(
    unsafe_code,
    reason = "the context comes back across the border as a pointer"
)]
unsafe fn link_from_context<'a>(context: *const c_void) -> &'a dyn Link {
    // SAFETY: `host_table` leaked it.
    unsafe { &*context.cast::<Host>() }.link()
}

#[expect(unsafe_code, reason = "an entry of the C ABI")]
unsafe extern "C" fn request(
    context: *const c_void,
    method: Bytes,
    params: Bytes,
    deadline_ms: u64,
    answer: *mut Buffer,
) -> i32 {
    let asked = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the library hands our context back, and lends the bytes for the call.
        let (link, method, params) = unsafe {
            (
                link_from_context(context),
                method.as_slice(),
                params.as_slice(),
            )
        };
        let params = read_value(params)?;
        let method = String::from_utf8_lossy(method);
        link.request(&method, params, Duration::from_millis(deadline_ms))
    }));
    let (status, bytes) =
        match asked.unwrap_or_else(|panic| Err(failure_from_panic(panic.as_ref()))) {
            Ok(result) => (STATUS_OK, result.to_string().into_bytes()),
            Err(failure) => {
                let bytes = serde_json::to_vec(&failure)
                    .expect("a failure is strings, which always serialise");
                (STATUS_FAILED, bytes)
            }
        };
    // SAFETY: the library lends a place for the answer.
    unsafe { answer.write(Buffer::given(bytes)) };
    status
}

#[expect(unsafe_code, reason = "an entry of the C ABI")]
unsafe extern "C" fn notify(context: *const c_void, method: Bytes, params: Bytes) {
    let told = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the library hands our context back, and lends the bytes for the call.
        let (link, method, params) = unsafe {
            (
                link_from_context(context),
                method.as_slice(),
                params.as_slice(),
            )
        };
        if let Ok(params) = read_value(params) {
            link.notify(&String::from_utf8_lossy(method), params);
        }
    }));
    // A panic has been printed; a notification has nobody to answer to.
    drop(told);
}

#[expect(unsafe_code, reason = "an entry of the C ABI")]
unsafe extern "C" fn cancelled(context: *const c_void) -> i32 {
    // SAFETY: the library hands our context back.
    let asked = catch_unwind(|| unsafe { link_from_context(context) }.is_cancelled());
    i32::from(asked.unwrap_or(false))
}

#[expect(unsafe_code, reason = "an entry of the C ABI")]
unsafe extern "C" fn wait_for_cancel(context: *const c_void, milliseconds: u64) -> i32 {
    let waited = catch_unwind(|| {
        // SAFETY: the library hands our context back.
        unsafe { link_from_context(context) }.wait_for_cancel(Duration::from_millis(milliseconds))
    });
    i32::from(waited.unwrap_or(false))
}

fn read_value(bytes: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(bytes)
        .map_err(|error| Failure::invalid("the request is not JSON").caused_by(&error))
}
