//! A library made for a Callboard of the far future.
#![expect(unsafe_code, reason = "the symbol must have its name")]

use std::ffi::c_void;

use callboard_plugin_sdk::abi::{self, Buffer, HostTable, PluginTable};

extern "C" fn create(_: *const HostTable, _: *mut Buffer) -> *mut c_void {
    std::ptr::null_mut()
}

static TABLE: PluginTable = PluginTable {
    abi: 99,
    ..abi::plugin_table(create)
};

#[unsafe(no_mangle)]
extern "C" fn callboard_plugin_v1(_host_abi: u32) -> *const PluginTable {
    &raw const TABLE
}
