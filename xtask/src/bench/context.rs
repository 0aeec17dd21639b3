//! The methods of contexts, one call at a time at a client's socket, over many contexts in each database.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::budget::{Bound, Budgets, Spread, grouped};
use super::postgres::Postgres;
use super::socket::Connection;
use super::subject::{self, Programs};
use super::wire::{Method, Wire};
use crate::affinity::{Cpus, pin_thread};
use crate::table;

#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many contexts there are. The budgets are for the default.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    contexts: u64,
    /// How many calls of each method are measured.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(10..))]
    calls: u64,
}

const WIRE: Wire = Wire::Json;
/// Bytes of each content.
const SIZE: usize = 2_048;
/// Creates that are under way while the database is filled.
const WINDOW: u64 = 64;
/// Different words in all contents; the nth is as frequent as 1/n.
const WORDS: f64 = 20_000.0;
/// Words before this one are so frequent that nobody searches for them: they are in half of all contexts.
const SOUGHT: f64 = 60.0;

/// What is measured, and what its median may take, in milliseconds.
const METHODS: [(&str, Option<f64>); 7] = [
    ("search, one word", Some(20.0)),
    ("search, two words", Some(20.0)),
    ("list, 50 a page", Some(5.0)),
    ("list, by metadata", Some(5.0)),
    ("get", None),
    ("create", None),
    ("update", None),
];

pub(crate) fn run(options: &Options, programs: &Programs, budgets: &mut Budgets) -> Result<()> {
    let cpus = Cpus::pick()?;
    pin_thread(cpus.generator)?;
    println!(
        "\n{} contexts of {SIZE} bytes, {} calls of each method, one at a time; `mcpw dev` on CPU {}, load and \
         PostgreSQL on CPU {}.",
        grouped(options.contexts as f64, 0),
        grouped(options.calls as f64, 0),
        cpus.server.id,
        cpus.generator.id
    );
    table::head(&["database", "method", "p50 ms", "p99 ms", "budget for p50"]);
    let folder = subject::folder()?.join("contexts");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    let file = format!("sqlite:{}", folder.join("contexts.db").display());
    measure("SQLite", &file, || Ok(()), (options, programs, cpus), budgets)?;
    // Not below the target folder, which its user may not enter.
    let server = std::env::temp_dir().join(format!("mcpw-bench-{}", std::process::id()));
    let postgres = Postgres::start(&server, subject::free_address()?.port())?;
    measure("PostgreSQL", &postgres.url(), || postgres.analyze(), (options, programs, cpus), budgets)?;
    drop(postgres);
    std::fs::remove_dir_all(server)?;
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

fn measure(
    name: &str,
    database: &str,
    settle: impl Fn() -> Result<()>,
    (options, programs, cpus): (&Options, &Programs, Cpus),
    budgets: &mut Budgets,
) -> Result<()> {
    let gateway = programs.gateway(cpus.server, &[("CONTEXT_DATABASE", database.to_owned())])?;
    let connection = Connection::open(&subject::endpoint(&gateway, WIRE)?)?;
    let mut bench = Bench { connection, random: 0x9E37_79B9_7F4A_7C15, asked: 1, ids: Vec::new() };
    let started = Instant::now();
    bench.fill(options.contexts)?;
    let rate = options.contexts as f64 / started.elapsed().as_secs_f64();
    table::row(&[name, &format!("create, {WINDOW} at once: {}/s", grouped(rate, 0)), "", "", ""]);
    settle()?;
    for (method, limit) in METHODS {
        let mut times = Histogram::<u64>::new(3)?;
        // What was not used for a while is slow the first time.
        for call in 0..options.calls / 10 + options.calls {
            let started = Instant::now();
            bench.call(method)?;
            if call >= options.calls / 10 {
                times.record(u64::try_from(started.elapsed().as_micros())?)?;
            }
        }
        let [p50, p99] = [0.5, 0.99].map(|part| times.value_at_quantile(part) as f64 / 1_000.0);
        let verdict = limit.map(|limit| {
            let what = format!("contexts, {name}: {method}");
            budgets.judge(what, Spread::once(p50), ("ms", 2), Bound::Below(limit))
        });
        table::row(&["", method, &format!("{p50:.2}"), &format!("{p99:.2}"), &verdict.unwrap_or_default()]);
    }
    Ok(())
}

struct Bench {
    connection: Connection,
    random: u64,
    asked: u64,
    ids: Vec<String>,
}

impl Bench {
    /// Makes contexts, many at once.
    fn fill(&mut self, count: u64) -> Result<()> {
        let first = self.asked;
        let mut answered = 0;
        while answered < count {
            while self.asked - first < (answered + WINDOW).min(count) {
                let params = self.context();
                self.send(Method::ContextCreate, &params)?;
            }
            let payload = self.connection.receive()?;
            if let Some(answer) = WIRE.answer(&payload).context("context.create")? {
                self.made(&answer.result)?;
                answered += 1;
            }
        }
        Ok(())
    }

    fn call(&mut self, method: &str) -> Result<()> {
        let (method, params) = match method {
            "search, one word" => (Method::ContextSearch, json!({"query": self.word(SOUGHT)})),
            "search, two words" => (
                Method::ContextSearch,
                json!({"query": format!("{} {}", self.word(SOUGHT), self.word(SOUGHT))}),
            ),
            "list, 50 a page" => (Method::ContextList, json!({})),
            "list, by metadata" => {
                let room = self.below(100);
                (Method::ContextList, json!({"metadata": {"room": room}}))
            }
            "get" => (Method::ContextGet, json!({"id": self.id()})),
            "create" => (Method::ContextCreate, self.context()),
            _ => (Method::ContextUpdate, json!({"id": self.id(), "content": self.text()})),
        };
        self.send(method, &params)?;
        let result = self.connection.receive_answer(WIRE, self.asked - 1)?;
        match method {
            Method::ContextCreate => self.made(&result),
            Method::ContextList => {
                let found = result["contexts"].as_array().map_or(0, Vec::len);
                ensure!(found > 0, "a page without contexts: {params}");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn send(&mut self, method: Method, params: &Value) -> Result<()> {
        self.connection.send_request(WIRE, self.asked, method, &params.to_string())?;
        self.asked += 1;
        Ok(())
    }

    fn made(&mut self, context: &Value) -> Result<()> {
        let id = context["id"].as_str().with_context(|| format!("no id in {context}"))?;
        self.ids.push(id.to_owned());
        Ok(())
    }

    fn context(&mut self) -> Value {
        json!({"content": self.text(), "metadata": {"kind": "note", "room": self.below(100)}})
    }

    fn text(&mut self) -> String {
        let mut text = String::with_capacity(SIZE + 16);
        while text.len() < SIZE {
            text.push_str(&self.word(1.0));
            text.push(' ');
        }
        text.truncate(SIZE);
        text
    }

    /// A word from this one on, in the order of their frequency.
    fn word(&mut self, first: f64) -> String {
        let part = self.next() as f64 / u64::MAX as f64;
        let rank = (first * (WORDS / first).powf(part)) as u64;
        // Words of frequent letters are as long as those of a language.
        format!("{}{rank}", ["the", "of", "stream", "answer", "context"][(rank % 5) as usize])
    }

    fn id(&mut self) -> String {
        let place = self.below(self.ids.len() as u64);
        self.ids[place as usize].clone()
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// The same numbers in every run: xorshift.
    fn next(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}
