//! Stdin and stdout, taken from the author's code.

use std::io;

use callboard_wire::Connection;

/// Takes stdin and stdout for the protocol, before the author's code runs.
///
/// From then on whatever is printed goes to stderr, and whatever is read finds the end at once; child processes inherit the same.
///
/// # Errors
///
/// Fails when a stream is closed.
#[cfg(unix)]
#[expect(unsafe_code, reason = "descriptors are duplicated and owned here")]
pub fn take() -> io::Result<Connection> {
    use std::fs::{File, OpenOptions};
    use std::os::fd::{AsRawFd, FromRawFd, RawFd};

    fn duplicate(descriptor: RawFd) -> io::Result<File> {
        // SAFETY: fcntl takes any number, and a descriptor that it returns is ours alone.
        unsafe {
            let copy = libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, 3);
            if copy < 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(File::from_raw_fd(copy))
        }
    }

    fn replace(descriptor: RawFd, by: RawFd) -> io::Result<()> {
        // SAFETY: dup2 takes any numbers. What std believes to be stdin or stdout goes on being open.
        if unsafe { libc::dup2(by, descriptor) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    let input = duplicate(libc::STDIN_FILENO)?;
    let output = duplicate(libc::STDOUT_FILENO)?;
    let nothing = OpenOptions::new().read(true).open("/dev/null")?;
    replace(libc::STDIN_FILENO, nothing.as_raw_fd())?;
    replace(libc::STDOUT_FILENO, libc::STDERR_FILENO)?;
    Ok(Connection::new(input, output))
}

/// Takes stdin and stdout for the protocol. Untested: does not keep the author's prints out of it yet.
///
/// # Errors
///
/// Never fails on this platform.
#[cfg(not(unix))]
pub fn take() -> io::Result<Connection> {
    Ok(Connection::stdio())
}
