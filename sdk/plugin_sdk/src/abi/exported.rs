//! The plugin's side of the border.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use callboard_protocol::{Failure, FailureKind};
use serde_json::Value;

use super::{
    ABI_VERSION, Buffer, Bytes, HostTable, PluginTable, STATUS_FAILED, STATUS_OK, free_buffer,
};
use crate::Host;
use crate::link::Link;
use crate::plugin::{Plugin, Turns, Typed, failure_from_panic};

/// Exports a plugin from a library: `export_plugin!(Hello);`.
///
/// Takes an expression that makes the plugin, and defines the one symbol that the host looks for.
/// Also defines `pub fn plugin()`, which makes the same plugin for a test or a program.
#[macro_export]
macro_rules! export_plugin {
    ($plugin:expr) => {
        /// Makes the plugin.
        pub fn plugin() -> ::std::boxed::Box<dyn $crate::Plugin> {
            ::std::boxed::Box::new($plugin)
        }

        const _: () = {
            extern "C" fn create(
                host: *const $crate::abi::HostTable,
                failure: *mut $crate::abi::Buffer,
            ) -> *mut ::std::ffi::c_void {
                $crate::abi::create(plugin, host, failure)
            }

            static TABLE: $crate::abi::PluginTable = $crate::abi::plugin_table(create);

            #[unsafe(no_mangle)]
            extern "C" fn callboard_plugin_v1(_host_abi: u32) -> *const $crate::abi::PluginTable {
                &TABLE
            }
        };
    };
}

/// Makes the table of a plugin.
pub const fn plugin_table(
    create: extern "C" fn(*const HostTable, *mut Buffer) -> *mut c_void,
) -> PluginTable {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a table is a few dozen bytes, and `try_from` is not const"
    )]
    PluginTable {
        size: size_of::<PluginTable>() as u32,
        abi: ABI_VERSION,
        create,
        launch,
        destroy,
        free: free_buffer,
        change,
    }
}

struct Exported {
    plugin: Typed<Box<dyn Plugin>>,
    host: Host,
}

/// Makes a plugin for a runner.
#[expect(
    unsafe_code,
    clippy::not_unsafe_ptr_arg_deref,
    reason = "called by the runner alone, through a table whose fields are unsafe to call"
)]
pub fn create(
    make: fn() -> Box<dyn Plugin>,
    host: *const HostTable,
    failure: *mut Buffer,
) -> *mut c_void {
    // SAFETY: the runner's table lives as long as the process; only its first two fields are read before its size is known.
    let fits = !host.is_null()
        && unsafe { (*host).abi == ABI_VERSION && (*host).size as usize >= size_of::<HostTable>() };
    let made = if fits {
        // SAFETY: as above, and it is as large as this side believes.
        let host = unsafe { &*host };
        catch_unwind(make)
            .map_err(|panic| failure_from_panic(panic.as_ref()))
            .map(|plugin| {
                let host = Host::new(Arc::new(TableLink { host }));
                Exported {
                    plugin: Typed(plugin),
                    host,
                }
            })
    } else {
        let message = format!("the plugin needs version {ABI_VERSION} of the library interface");
        Err(Failure::new(FailureKind::Unsupported, message).hint("update Callboard"))
    };
    match made {
        Ok(exported) => Box::into_raw(Box::new(exported)).cast(),
        Err(reason) => {
            // SAFETY: the runner lends a place for the failure.
            unsafe { failure.write(Buffer::given(json_from_failure(&reason))) };
            std::ptr::null_mut()
        }
    }
}

#[expect(unsafe_code, reason = "an entry of the C ABI")]
unsafe extern "C" fn launch(plugin: *mut c_void, params: Bytes, answer: *mut Buffer) -> i32 {
    // SAFETY: the runner's promises are passed on.
    unsafe {
        answer_with(plugin, params, answer, |exported, params| {
            exported.plugin.turn(params, &exported.host)
        })
    }
}

#[expect(unsafe_code, reason = "an entry of the C ABI")]
unsafe extern "C" fn change(plugin: *mut c_void, params: Bytes, answer: *mut Buffer) -> i32 {
    // SAFETY: the runner's promises are passed on.
    unsafe {
        answer_with(plugin, params, answer, |exported, params| {
            exported.plugin.change(params, &exported.host)
        })
    }
}

/// Reads what a plugin is asked, has it answered, and gives the answer away.
///
/// # Safety
///
/// `plugin` came from [`create`], one thread at a time calls, the bytes are lent for the call, and so is the place for the answer.
#[expect(unsafe_code, reason = "the entries of the C ABI pass pointers on")]
unsafe fn answer_with(
    plugin: *mut c_void,
    params: Bytes,
    answer: *mut Buffer,
    turn: impl FnOnce(&mut Exported, Value) -> Result<Value, Failure>,
) -> i32 {
    let ended = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the caller's promise.
        let (exported, params) = unsafe { (&mut *plugin.cast::<Exported>(), params.as_slice()) };
        let params: Value = serde_json::from_slice(params).map_err(|error| {
            Failure::invalid("could not read what the plugin is asked").caused_by(&error)
        })?;
        turn(exported, params)
    }));
    let (status, bytes) =
        match ended.unwrap_or_else(|panic| Err(failure_from_panic(panic.as_ref()))) {
            Ok(result) => (STATUS_OK, result.to_string().into_bytes()),
            Err(failure) => (STATUS_FAILED, json_from_failure(&failure)),
        };
    // SAFETY: the runner lends a place for the answer.
    unsafe { answer.write(Buffer::given(bytes)) };
    status
}

#[expect(unsafe_code, reason = "an entry of the C ABI")]
unsafe extern "C" fn destroy(plugin: *mut c_void) {
    let dropped = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: `plugin` came from `create`, and is not used again.
        drop(unsafe { Box::from_raw(plugin.cast::<Exported>()) });
    }));
    // A panic here has been printed, and the process is about to end.
    drop(dropped);
}

fn json_from_failure(failure: &Failure) -> Vec<u8> {
    serde_json::to_vec(failure).expect("a failure is strings, which always serialise")
}

/// The way to the host through the runner's table.
struct TableLink {
    host: &'static HostTable,
}

#[expect(
    unsafe_code,
    reason = "the runner promises that any thread may call its table"
)]
// SAFETY: see the table.
unsafe impl Send for TableLink {}
#[expect(
    unsafe_code,
    reason = "the runner promises that any thread may call its table"
)]
// SAFETY: see the table.
unsafe impl Sync for TableLink {}

impl Link for TableLink {
    #[expect(unsafe_code, reason = "calls the runner's table")]
    fn request(&self, method: &str, params: Value, deadline: Duration) -> Result<Value, Failure> {
        let params = params.to_string();
        let deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        let mut answer = Buffer::EMPTY;
        // SAFETY: the table lives as long as the process; what is lent outlives the call; the answer is given back to the side that made it.
        let (status, read) = unsafe {
            let status = (self.host.request)(
                self.host.context,
                Bytes::lent(method.as_bytes()),
                Bytes::lent(params.as_bytes()),
                deadline_ms,
                &raw mut answer,
            );
            let bytes = answer.lent().as_slice();
            let read = if status == STATUS_OK {
                serde_json::from_slice(bytes).map(Ok)
            } else {
                serde_json::from_slice(bytes).map(Err)
            };
            (self.host.free)(answer);
            (status, read)
        };
        read.unwrap_or_else(|error| {
            let message = format!("could not read the runner's answer with status {status}");
            Err(Failure::new(FailureKind::Internal, message).caused_by(&error))
        })
    }

    #[expect(unsafe_code, reason = "calls the runner's table")]
    fn notify(&self, method: &str, params: Value) {
        let params = params.to_string();
        // SAFETY: the table lives as long as the process, and what is lent outlives the call.
        unsafe {
            (self.host.notify)(
                self.host.context,
                Bytes::lent(method.as_bytes()),
                Bytes::lent(params.as_bytes()),
            );
        }
    }

    #[expect(unsafe_code, reason = "calls the runner's table")]
    fn is_cancelled(&self) -> bool {
        // SAFETY: the table lives as long as the process.
        unsafe { (self.host.cancelled)(self.host.context) != 0 }
    }

    #[expect(unsafe_code, reason = "calls the runner's table")]
    fn wait_for_cancel(&self, duration: Duration) -> bool {
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        // SAFETY: the table lives as long as the process.
        unsafe { (self.host.wait_for_cancel)(self.host.context, milliseconds) != 0 }
    }
}
