//! nginx or HAProxy as a child process with its shipped configuration, in which nothing but addresses and paths is
//! other. Refuses to know what stands behind it.

use std::fs::File;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tests::{PATIENCE, Socket, until};

/// The file for what it writes to standard error.
const LOG: &str = "log";

/// Which load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    HAProxy,
    Nginx,
}

/// A pod as a load balancer is told of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) clients: SocketAddr,
    pub(crate) admin: SocketAddr,
}

/// A running load balancer in front of two pods. Dropped, it ends.
#[derive(Debug)]
pub(crate) struct Balancer {
    address: SocketAddr,
    child: Child,
    /// Holds its log, and what nginx reads and writes.
    folder: TempDir,
}

impl Program {
    /// The shipped configuration.
    pub(crate) fn shipped(self) -> PathBuf {
        let name = match self {
            Self::HAProxy => "haproxy.cfg",
            Self::Nginx => "nginx.conf",
        };
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/lb").join(name)
    }

    /// The program, which Debian installs where only root looks.
    pub(crate) fn command(self) -> Command {
        let (name, package) = match self {
            Self::HAProxy => ("haproxy", "haproxy"),
            Self::Nginx => ("nginx", "nginx-light"),
        };
        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/local/sbin:/usr/sbin:/sbin";
        let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
        let found = found.unwrap_or_else(|| {
            panic!("there is no {name}; please run: apt-get install --no-install-recommends {package}")
        });
        let mut command = Command::new(found);
        command.env_clear().stdin(Stdio::null());
        command
    }
}

impl Balancer {
    /// Starts it on a free port, and waits until it takes connections. It begins with all pods believed ready.
    #[track_caller]
    pub(crate) fn start(program: Program, pods: [Target; 2]) -> Self {
        // Between the choice of a port and its use another program may take it.
        let mut tries = 1;
        loop {
            match Self::started(program, pods) {
                Ok(balancer) => return balancer,
                Err(log) => assert!(tries < 5, "{program:?} has ended at every start: {log}"),
            }
            tries += 1;
        }
    }

    fn started(program: Program, pods: [Target; 2]) -> Result<Self, String> {
        let folder = TempDir::new().expect("the system has a folder for temporary files");
        let address = free_address();
        let mut command = match program {
            Program::HAProxy => haproxy(address, pods),
            Program::Nginx => nginx(address, pods, folder.path()),
        };
        let log = File::create(folder.path().join(LOG)).expect("the folder is ours");
        let child = command.stderr(log).spawn();
        let child = child.unwrap_or_else(|error| panic!("{command:?} can't be started: {error}"));
        let mut balancer = Self { address, child, folder };
        let takes = until("the load balancer to take connections or to end", || {
            if balancer.child.try_wait().expect("it is our child").is_some() {
                return Some(false);
            }
            TcpStream::connect_timeout(&address, PATIENCE).is_ok().then_some(true)
        });
        if takes { Ok(balancer) } else { Err(balancer.log()) }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join(LOG)).unwrap_or_default()
    }

    /// Where clients connect.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A connection on which nothing was said yet.
    #[track_caller]
    pub(crate) fn open(&self) -> Socket {
        Socket::connect(self.address)
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        // nginx ends its workers when it is asked to end, not when it is killed.
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(2));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let _ = writeln!(std::io::stderr(), "the load balancer's log:\n{}", self.log());
        }
    }
}

fn haproxy(address: SocketAddr, pods: [Target; 2]) -> Command {
    let mut command = Program::HAProxy.command();
    command.arg("-db").arg("-f").arg(Program::HAProxy.shipped()).env("MCPW_LISTEN", address.to_string());
    for (number, pod) in (1..).zip(pods) {
        command.env(format!("MCPW_POD_{number}"), pod.clients.to_string());
        command.env(format!("MCPW_POD_{number}_ADMIN"), pod.admin.port().to_string());
    }
    // Its log has a line for each connection.
    command.stdout(Stdio::null());
    command
}

fn nginx(address: SocketAddr, pods: [Target; 2], folder: &Path) -> Command {
    let file = folder.join("nginx.conf");
    let places = [
        ("listen 0.0.0.0:8080", format!("listen {address}")),
        ("server 10.0.0.1:8080", format!("server {}", pods[0].clients)),
        ("server 10.0.0.2:8080", format!("server {}", pods[1].clients)),
    ];
    std::fs::write(&file, nginx_elsewhere(folder, &places)).expect("the folder is ours");
    let mut command = Program::Nginx.command();
    command.args(["-e", "stderr", "-g", "daemon off;", "-c"]).arg(&file);
    command
}

/// nginx's configuration, which writes to this folder alone and has these further texts replaced.
pub(crate) fn nginx_elsewhere(folder: &Path, places: &[(&str, String)]) -> String {
    let path = |name: &str| folder.join(name).display().to_string();
    let paths = [("pid /run/nginx.pid", format!("pid {}", path("nginx.pid")))];
    let shipped = std::fs::read_to_string(Program::Nginx.shipped()).expect("the file is shipped");
    let (head, mut text) =
        shipped.split_once("\n\n").map(|(head, text)| (head, text.to_owned())).expect("a head");
    for (shipped, here) in paths.iter().chain(places) {
        assert_eq!(text.matches(shipped).count(), 1, "{shipped:?} is in the file once");
        let place = shipped.rsplit(' ').next().expect("a text has words");
        assert!(head.contains(place), "the head of the file says that {place} is to be changed");
        text = text.replace(shipped, here);
    }
    text.replace("/var/lib/nginx", &folder.display().to_string())
}

/// An address on loopback that nobody listens at.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the system has a free port");
    listener.local_addr().expect("a bound socket has an address")
}
