//! The yardstick of fan-out: the same octets written to as many sockets, one after the other, and nothing else.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many connections are written to. One more, the last, says what.
    #[arg(long)]
    subscribers: u32,
}

/// Serves until the last connection ends. Prints {"address"} once it listens.
pub(crate) fn serve(options: &Options) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", serde_json::json!({ "address": listener.local_addr()? }));
    let accept = || -> Result<TcpStream> {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    let mut subscribers = (0..options.subscribers).map(|_| accept()).collect::<Result<Vec<_>>>()?;
    let mut publisher = accept()?;
    let mut octets = vec![0; 64 * 1024];
    loop {
        let mut length = [0; 4];
        if publisher.read_exact(&mut length).is_err() {
            return Ok(());
        }
        let octets = octets.get_mut(..u32::from_be_bytes(length) as usize).context("too much at once")?;
        publisher.read_exact(octets)?;
        for subscriber in &mut subscribers {
            subscriber.write_all(octets)?;
        }
    }
}

/// The other side of such a server.
#[derive(Debug)]
pub(crate) struct Readers {
    publisher: TcpStream,
    /// Each with how much it has got.
    readers: Vec<(TcpStream, usize)>,
}

impl Readers {
    pub(crate) fn connect(address: &str, subscribers: u32) -> Result<Self> {
        let address: SocketAddr = address.parse().context("no address")?;
        let mut readers = Vec::new();
        for _ in 0..subscribers {
            let stream = TcpStream::connect(address)?;
            stream.set_nonblocking(true)?;
            readers.push((stream, 0));
        }
        let publisher = TcpStream::connect(address)?;
        publisher.set_nodelay(true)?;
        Ok(Self { publisher, readers })
    }

    /// Has `length` octets written to each reader and waits until all have them.
    pub(crate) fn burst(&mut self, length: usize, space: &mut [u8], patience: Duration) -> Result<()> {
        let mut message = u32::try_from(length)?.to_be_bytes().to_vec();
        message.resize(4 + length, b'x');
        self.publisher.write_all(&message)?;
        let until = Instant::now() + patience;
        loop {
            let mut missing = 0;
            for (stream, got) in self.readers.iter_mut().filter(|(_, got)| *got < length) {
                match stream.read(space) {
                    Ok(0) => bail!("the server closed a connection"),
                    Ok(read) => *got += read,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error).context("reading"),
                }
                missing += usize::from(*got < length);
            }
            if missing == 0 {
                break;
            }
            ensure!(Instant::now() < until, "{missing} readers wait after {patience:?}");
            std::thread::sleep(Duration::from_millis(1));
        }
        for (_, got) in &mut self.readers {
            ensure!(*got == length, "{got} octets came instead of {length}");
            *got = 0;
        }
        Ok(())
    }
}
