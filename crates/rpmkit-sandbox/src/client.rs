//! The caller's side of a container.

use crate::command::{Command, Exit, Finished, Output, RunAs, Stdin, Stream};
use crate::error::SandboxError;
use crate::ids::IdMode;
use crate::plan::{ControlRequest, Io, Plan, Reply, RunPlan, Started};
use crate::spec::ContainerSpec;
use crate::{output, spawn, wire};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, listen, socket,
};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;

/// A running container. Commands may be run from several threads at once. Dropping it kills everything inside; so does the
/// end of this process, whatever its cause.
#[derive(Debug)]
pub struct Container {
    socket: Arc<OwnedFd>,
    mode: IdMode,
    /// None in a handle that only joined.
    monitor: Option<Child>,
    /// The socket file others join through.
    listening: Option<PathBuf>,
}

/// Kills what runs in a container, from any thread, also while a command is being waited for.
#[derive(Debug, Clone)]
pub struct Killer {
    socket: Arc<OwnedFd>,
}

impl Killer {
    /// SIGKILL to every process inside. The container stays usable; waiting commands end with signal 9.
    pub fn kill_all(&self) {
        // The other end being gone means that all are dead already.
        drop(wire::send(&*self.socket, &ControlRequest::KillAll, &[]));
    }
}

impl Container {
    /// Starts a container; returns when its root is ready for commands.
    ///
    /// # Errors
    /// The step the kernel refused, with [`SandboxError::advice`].
    pub fn start(spec: &ContainerSpec) -> Result<Self, SandboxError> {
        Self::start_with(spec, &[], None)
    }

    /// Starts a container. Its pid 1 keeps `held` open as long as it lives, so that locks on these descriptors last exactly as
    /// long as the mounts (at most 250). With `listen`, a socket of that name lets other processes [`Container::join`].
    ///
    /// # Errors
    /// As [`Container::start`].
    pub fn start_with(
        spec: &ContainerSpec,
        held: &[BorrowedFd<'_>],
        listen: Option<&Path>,
    ) -> Result<Self, SandboxError> {
        let listener = listen.map(listen_at).transpose()?;
        let mut fds = held.to_vec();
        fds.extend(listener.as_ref().map(AsFd::as_fd));
        let plan = Plan::Container {
            spec: Box::new(spec.clone()),
            listens: listener.is_some(),
        };
        let (monitor, socket) = spawn::spawn(&plan, &fds)?;
        let container = Self {
            socket: Arc::new(socket),
            mode: spec.mode.clone(),
            monitor: Some(monitor),
            listening: listen.map(Path::to_owned),
        };
        match wire::receive::<Started>(&*container.socket) {
            Ok(Some((Started::Ready, _))) => Ok(container),
            Ok(Some((Started::Failed(error), _))) => Err(error.into()),
            Ok(None) => Err(SandboxError::Died(
                "the container was being prepared".to_owned(),
            )),
            Err(source) => Err(SandboxError::Io {
                action: "hear from the container",
                source,
            }),
        }
    }

    /// A second handle on a container that another process started with a socket and in this mode. Dropping it stops only
    /// its own commands.
    ///
    /// # Errors
    /// When nothing listens there.
    pub fn join(mode: &IdMode, path: &Path) -> Result<Self, SandboxError> {
        let error = SandboxError::io("join the container");
        let joined = reach(path).and_then(|(address, _dir)| {
            let socket = seqpacket()?;
            connect(socket.as_raw_fd(), &address)?;
            Ok(socket)
        });
        Ok(Self {
            socket: Arc::new(joined.map_err(error)?),
            mode: mode.clone(),
            monitor: None,
            listening: None,
        })
    }

    /// Runs a command to its end and hands its output to `on_output` as it comes.
    ///
    /// # Errors
    /// When it could not be started ([`SandboxError::Exec`] for its program) or the container died.
    pub fn run(
        &self,
        command: &Command,
        on_output: impl FnMut(Stream, &[u8]),
    ) -> Result<Exit, SandboxError> {
        self.run_to_end(command, on_output)
            .map(|finished| finished.exit)
    }

    /// As [`Container::run`], and tells what the command left running.
    ///
    /// # Errors
    /// As [`Container::run`].
    pub fn run_to_end(
        &self,
        command: &Command,
        mut on_output: impl FnMut(Stream, &[u8]),
    ) -> Result<Finished, SandboxError> {
        let (ours, theirs) = wire::pair()?;
        let mut opened = output::open(command, self.owner(command))?;
        {
            let mut fds = vec![theirs.as_fd()];
            fds.extend(opened.theirs.iter().map(|fd| fd.as_fd()));
            self.request(
                &ControlRequest::Run(Box::new(plan(command, opened.io))),
                &fds,
            )?;
        }
        // Our copies of the other ends would keep us from seeing that all others are closed.
        opened.theirs.clear();
        drop(theirs);
        output::follow(command, &ours, opened.streams, &mut on_output)
    }

    /// Runs a command on a new terminal of the container, with the caller's own terminal in front of it: keys go in raw, the
    /// window size follows. Without a terminal on both our standard input and output, it simply shares those.
    ///
    /// # Errors
    /// As [`Container::run`].
    pub fn run_interactive(&self, command: &Command) -> Result<Exit, SandboxError> {
        let (input, output) = (std::io::stdin(), std::io::stdout());
        if nix::unistd::isatty(&input).unwrap_or(false)
            && nix::unistd::isatty(&output).unwrap_or(false)
        {
            return self.run_on_terminal(command, input.as_fd(), output.as_fd());
        }
        let plain = Command {
            stdin: Stdin::Inherit,
            output: Output::Inherit,
            ..command.clone()
        };
        self.run(&plain, |_, _| ())
    }

    /// As [`Container::run_interactive`], with the terminal given by its two descriptors.
    ///
    /// # Errors
    /// As [`Container::run`].
    pub fn run_on_terminal(
        &self,
        command: &Command,
        input: BorrowedFd<'_>,
        output: BorrowedFd<'_>,
    ) -> Result<Exit, SandboxError> {
        let (ours, theirs) = wire::pair()?;
        let (rows, columns) = crate::interactive::size(input).unwrap_or((24, 80));
        self.request(
            &ControlRequest::Run(Box::new(plan(command, Io::Terminal(rows, columns)))),
            &[theirs.as_fd()],
        )?;
        drop(theirs);
        crate::interactive::proxy(command, &ours, input, output)
    }

    /// Who a command is on the host, where its ids are not ours.
    fn owner(&self, command: &Command) -> Option<(u32, u32)> {
        let (uid, gid) = match command.user {
            RunAs::Root => (0, 0),
            RunAs::Id { uid, gid } => (uid, gid),
        };
        self.mode.host_id(uid).zip(self.mode.host_id(gid))
    }

    /// SIGKILL to every process inside but pid 1.
    pub fn kill_all(&self) {
        self.killer().kill_all();
    }

    /// A handle for [`Container::kill_all`] that can go to another thread.
    pub fn killer(&self) -> Killer {
        Killer {
            socket: self.socket.clone(),
        }
    }

    /// The process (of the host) whose end is the end of the container; none for a joined handle.
    pub fn monitor_pid(&self) -> Option<u32> {
        self.monitor.as_ref().map(Child::id)
    }

    /// Kills everything, drops all mounts, and returns when both have happened. For an overlay this means that its upper
    /// directory is complete and may become a layer.
    ///
    /// # Errors
    /// When it did not end in an orderly way: then an upper directory of a volatile overlay must be discarded.
    pub fn stop(mut self) -> Result<(), SandboxError> {
        let Some(mut monitor) = self.monitor.take() else {
            return Ok(());
        };
        drop(wire::send(&*self.socket, &ControlRequest::Stop, &[]));
        let status = monitor
            .wait()
            .map_err(SandboxError::io("wait for the container's end"))?;
        if status.success() {
            Ok(())
        } else {
            Err(SandboxError::Died("stopping".to_owned()))
        }
    }

    /// What the container is made of, and how many others use it.
    ///
    /// # Errors
    /// When it has ended.
    pub fn company(&self) -> Result<(ContainerSpec, usize), SandboxError> {
        self.ask(&ControlRequest::Ask)
    }

    fn ask(&self, question: &ControlRequest) -> Result<(ContainerSpec, usize), SandboxError> {
        let (ours, theirs) = wire::pair()?;
        self.request(question, &[theirs.as_fd()])?;
        drop(theirs);
        match wire::receive::<Reply>(&ours) {
            Ok(Some((Reply::Company { spec, others }, _))) => Ok((*spec, others)),
            _ => Err(SandboxError::Died("it was asked who is there".to_owned())),
        }
    }

    /// A detached mount of the container's root with everything mounted below it, for [`crate::Mount::Given`].
    ///
    /// # Errors
    /// When it has ended, or the kernel refuses it.
    pub fn root_tree(&self) -> Result<OwnedFd, SandboxError> {
        let (ours, theirs) = wire::pair()?;
        self.request(&ControlRequest::Root, &[theirs.as_fd()])?;
        drop(theirs);
        match wire::receive::<Reply>(&ours) {
            Ok(Some((Reply::Root, fds))) => fds
                .into_iter()
                .next()
                .ok_or_else(|| SandboxError::Died("it was asked for its root".to_owned())),
            Ok(Some((Reply::Failed(error), _))) => Err(error.into()),
            _ => Err(SandboxError::Died("it was asked for its root".to_owned())),
        }
    }

    /// Asks the container to end, which it does where nobody else uses it. `true`: it ends now, and so do its locks.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn yields(&self) -> Result<bool, SandboxError> {
        Ok(self.ask(&ControlRequest::Yield)?.1 == 0)
    }

    /// Leaves a visible container running, with its socket, for others to join; it holds its locks until it
    /// [`yields`](Self::yields) or is killed.
    ///
    /// # Errors
    /// When it has ended.
    pub fn leave(mut self) -> Result<(), SandboxError> {
        self.request(&ControlRequest::Stay, &[])?;
        self.listening = None;
        // Its parent is init when we have ended, and until then nobody asks for it.
        drop(self.monitor.take());
        Ok(())
    }

    fn request(
        &self,
        request: &ControlRequest,
        fds: &[BorrowedFd<'_>],
    ) -> Result<(), SandboxError> {
        wire::send(&*self.socket, request, fds).map_err(|source| match source.kind() {
            std::io::ErrorKind::BrokenPipe | std::io::ErrorKind::ConnectionReset => {
                SandboxError::Died("a command was sent".to_owned())
            }
            _ => SandboxError::Io {
                action: "send a command to the container",
                source,
            },
        })
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if let Some(mut monitor) = self.monitor.take() {
            // Also ends it if a `Killer` still holds the socket open.
            let _ = nix::sys::socket::shutdown(
                self.socket.as_raw_fd(),
                nix::sys::socket::Shutdown::Both,
            );
            drop(monitor.wait());
        }
        if let Some(path) = &self.listening {
            drop(std::fs::remove_file(path));
        }
    }
}

fn plan(command: &Command, io: Io) -> RunPlan {
    RunPlan {
        argv: command.argv.clone(),
        env: command.env.clone(),
        cwd: command.cwd.clone(),
        user: command.user,
        io,
        umask: command.umask,
        limits: command.limits.clone(),
        counted: command.counted,
        filters: command.filters,
        read_only_root: command.read_only_root,
        writable: command.writable.clone(),
        leftovers: command.leftovers,
    }
}

fn seqpacket() -> std::io::Result<OwnedFd> {
    Ok(socket(
        AddressFamily::Unix,
        SockType::SeqPacket,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?)
}

/// An address for a path of any length: the kernel takes 107 bytes, so the directory goes in by descriptor.
fn reach(path: &Path) -> std::io::Result<(UnixAddr, OwnedFd)> {
    use nix::fcntl::{OFlag, open};
    let name = path.file_name().ok_or(std::io::ErrorKind::InvalidInput)?;
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let dir = open(parent, flags, nix::sys::stat::Mode::empty())?;
    let short = Path::new("/proc/self/fd")
        .join(dir.as_raw_fd().to_string())
        .join(name);
    Ok((UnixAddr::new(&short)?, dir))
}

fn listen_at(path: &Path) -> Result<OwnedFd, SandboxError> {
    let open = || {
        // Left by one that was killed: the caller holds the lock of this chroot, so nobody listens there.
        drop(std::fs::remove_file(path));
        let (address, _dir) = reach(path)?;
        let socket = seqpacket()?;
        bind(socket.as_raw_fd(), &address)?;
        listen(&socket, Backlog::new(16)?)?;
        Ok(socket)
    };
    open().map_err(SandboxError::io(
        "make the socket others join the container through",
    ))
}
