//! An alarm clock that one thread sets and another waits for. To set it costs one system call and wakes nobody, and as
//! long as it is set again before it rings, nobody is ever woken.

pub use system::{Alarm, Bell};

#[cfg(all(target_os = "linux", not(miri), not(all(test, feature = "schedules"))))]
mod system {
    use std::io;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    /// Sets the alarm.
    #[derive(Clone, Debug)]
    pub struct Alarm(Arc<OwnedFd>);

    /// Waits for the alarm.
    #[derive(Debug)]
    pub struct Bell(AsyncFd<Alarm>);

    impl AsRawFd for Alarm {
        fn as_raw_fd(&self) -> i32 {
            self.0.as_raw_fd()
        }
    }

    impl Alarm {
        /// Makes an alarm that is not set, and its bell for the current tokio runtime. Fails if the system has no
        /// descriptor for it.
        pub fn new() -> io::Result<(Alarm, Bell)> {
            let flags = libc::TFD_CLOEXEC | libc::TFD_NONBLOCK;
            // SAFETY: the call has no pointers. The descriptor is new, so nobody else closes it.
            let timer = unsafe {
                let fd = libc::timerfd_create(libc::CLOCK_MONOTONIC, flags);
                if fd < 0 {
                    return Err(io::Error::last_os_error());
                }
                OwnedFd::from_raw_fd(fd)
            };
            let alarm = Alarm(Arc::new(timer));
            // SAFETY: the bell keeps the descriptor open.
            let bell =
                unsafe { AsyncFd::register_with_interest(alarm.clone(), Interest::READABLE) };
            let bell = bell.map_err(|error| error.into_parts().1)?;
            Ok((alarm, Bell(bell)))
        }

        /// Whether both are the same one.
        pub fn is(&self, other: &Alarm) -> bool {
            Arc::ptr_eq(&self.0, &other.0)
        }

        /// Makes it ring once, after this time and no longer at the time that was set before.
        pub fn set(&self, after: Duration) {
            // SAFETY: the structure has only numbers, and the pointer to it is valid. Null is allowed. The call does not
            // fail for a descriptor of a timer.
            unsafe {
                let mut time: libc::itimerspec = std::mem::zeroed();
                time.it_value.tv_sec = after.as_secs() as libc::time_t;
                // Zero would disarm it.
                time.it_value.tv_nsec = after.subsec_nanos().max(1) as _;
                libc::timerfd_settime(self.as_raw_fd(), 0, &time, std::ptr::null_mut());
            }
        }
    }

    impl Bell {
        /// Waits until the alarm rings.
        pub async fn rings(&self) -> io::Result<()> {
            loop {
                let mut ready = self.0.readable().await?;
                let mut times = [0; 8];
                // SAFETY: the pointer and the length are those of an array.
                let count = unsafe {
                    let buffer = times.as_mut_ptr().cast();
                    libc::read(self.0.as_raw_fd(), buffer, times.len())
                };
                ready.clear_ready();
                // It may have been set again since it rang.
                if count > 0 {
                    return Ok(());
                }
            }
        }
    }
}

/// Other systems have none: there is nothing that makes one.
#[cfg(not(all(target_os = "linux", not(miri), not(all(test, feature = "schedules")))))]
mod system {
    use std::io;
    use std::time::Duration;

    #[derive(Clone, Debug)]
    pub struct Alarm(());

    #[derive(Debug)]
    pub struct Bell(());

    impl Alarm {
        pub fn new() -> io::Result<(Alarm, Bell)> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub fn is(&self, _: &Alarm) -> bool {
            false
        }

        pub fn set(&self, _: Duration) {}
    }

    impl Bell {
        pub async fn rings(&self) -> io::Result<()> {
            std::future::pending().await
        }
    }
}
