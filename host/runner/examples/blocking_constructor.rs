//! A library that never finishes loading.

#[used]
#[unsafe(link_section = ".init_array")]
#[expect(unsafe_code, reason = "it does what plugins must not")]
static CONSTRUCTOR: extern "C" fn() = wait;

extern "C" fn wait() {
    loop {
        std::thread::park();
    }
}
