//! Pods on one Redis, as processes, and what both of them have used so far. Knows how they are started; refuses to know what is
//! asked of them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use crate::bench::socket::Endpoint;
use crate::bench::subject::{Key, await_listening, await_tools, free_address, tools};
use crate::bench::wire::Wire;
use crate::server::{Process, Server};

const PATIENCE: Duration = Duration::from_secs(20);

/// The fleet. Dropped, all of it is killed.
#[derive(Debug)]
pub(super) struct Fleet {
    redis: Redis,
    pods: Vec<(Process, Endpoint)>,
    _tools: Server,
}

/// What was used up to a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Used {
    /// Scripts that Redis was asked to run.
    pub(super) scripts: f64,
    /// All that it did, what scripts have it do among it.
    pub(super) commands: f64,
    /// CPU of Redis, and of all pods together, in microseconds.
    pub(super) redis_micros: f64,
    pub(super) pod_micros: f64,
}

impl Fleet {
    /// So many pods with one shard each, of the programs in this folder, and one backend behind all of them.
    pub(super) fn start(programs: &Path, pods: usize, folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let redis = Redis::start(folder)?;
        let tools = tools(programs, None, &folder.join("tools.log"))?;
        let key = Key::fresh(programs)?;
        let mut fleet = Self { redis, pods: Vec::new(), _tools: tools };
        for index in 0..pods {
            let listen = free_address()?;
            let content = json!({
                "websocket": { "listen": listen },
                "admin": { "listen": "127.0.0.1:0" },
                "registry": { "listen": "127.0.0.1:0" },
                "auth": { "keys": [key.setting()] },
                "backends": [format!("http://{}", fleet._tools.ready("listening")?)],
                // A busy machine is slow, and no pod is to go on alone for it.
                "store": { "kind": "redis", "redis": {
                    "addresses": [fleet.redis.address.to_string()], "command_timeout_ms": 10_000,
                } },
                "runtime": { "shards": 1, "pin": false },
                "log": { "level": "warn" },
            });
            let config = folder.join(format!("pod-{index}.yaml"));
            std::fs::write(&config, content.to_string())?;
            let mut command = Command::new(programs.join("mcpw"));
            command.arg("gateway").arg("--config").arg(&config);
            let process = Process::start(command, None, &folder.join(format!("pod-{index}.log")))?;
            let endpoint = Endpoint::gateway(&format!("ws://{listen}/ws"), Wire::Json, &key.token)?;
            fleet.pods.push((process, endpoint));
        }
        for (_, endpoint) in &fleet.pods {
            await_tools(endpoint, PATIENCE)?;
        }
        Ok(fleet)
    }

    /// Where clients of each pod connect.
    pub(super) fn endpoints(&self) -> Vec<Endpoint> {
        self.pods.iter().map(|(_, endpoint)| endpoint.clone()).collect()
    }

    /// What was used so far.
    pub(super) fn used(&self) -> Result<Used> {
        let stats = self.redis.ask("INFO commandstats")?;
        let calls = |line: &str| line.split_once(":calls=")?.1.split(',').next()?.parse::<f64>().ok();
        let count = |wanted: fn(&str) -> bool| {
            stats.lines().filter(|line| line.starts_with("cmdstat_") && wanted(line)).filter_map(calls).sum()
        };
        let mut pod_micros = 0.0;
        for (process, _) in &self.pods {
            pod_micros += process.cpu_nanos()? as f64 / 1_000.0;
        }
        Ok(Used {
            scripts: count(|line| line.starts_with("cmdstat_eval")),
            commands: count(|line| !line.starts_with("cmdstat_info")),
            redis_micros: self.redis.process.cpu_nanos()? as f64 / 1_000.0,
            pod_micros,
        })
    }

    /// Bytes that Redis has allocated.
    pub(super) fn redis_bytes(&self) -> Result<f64> {
        let memory = self.redis.ask("INFO memory")?;
        let used = memory.lines().find_map(|line| line.strip_prefix("used_memory:"));
        Ok(used.context("no used_memory")?.trim().parse()?)
    }
}

#[derive(Debug)]
struct Redis {
    process: Process,
    address: SocketAddr,
}

impl Redis {
    fn start(folder: &Path) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new("redis-server");
        command.args(["--port", &address.port().to_string(), "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "no"]).current_dir(folder);
        let process = Process::start(command, None, &folder.join("redis.log"))
            .context("this needs a Redis: apt-get install --yes redis-server")?;
        await_listening(address, PATIENCE).context("redis-server")?;
        Ok(Self { process, address })
    }

    /// The text that a command answers.
    fn ask(&self, command: &str) -> Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(format!("{command}\r\n").as_bytes())?;
        let (mut reader, mut head) = (BufReader::new(stream), String::new());
        reader.read_line(&mut head)?;
        let length = head.strip_prefix('$').with_context(|| format!("{command}: {head}"))?;
        let mut text = vec![0; length.trim().parse()?];
        reader.read_exact(&mut text)?;
        Ok(String::from_utf8(text)?)
    }
}
