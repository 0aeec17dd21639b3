//! `fs.search`: lines that match, in all files below a folder.
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use backend::{Call, Failure, Tool};
use cap_std::fs::File;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder};
use ignore::overrides::{Override, OverrideBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::{MissedTickBehavior, interval};

use crate::list::shown;
use crate::matches::{Found, Matches};
use crate::open::{Root, refused};
use crate::walk::Walk;
use crate::work::{Unfinished, Work, go_on};

const DEFAULT_LIMIT: usize = 200;
const MAX_LIMIT: usize = 10_000;
const MAX_CONTEXT: usize = 20;
/// A line that doesn't fit here makes its file be passed over.
const LINE_BUFFER: usize = 16 << 20;
/// Bytes of a compiled pattern. A short one can compile to gigabytes, and take minutes to do so.
const PATTERN_SIZE: usize = 4 << 20;
const PATTERN_CACHE: usize = 16 << 20;
const PROGRESS: Duration = Duration::from_millis(200);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// A regular expression, matched line by line; or plain text if `literal`.
    pattern: String,
    /// Whether the pattern is plain text. Default false.
    #[serde(default)]
    literal: bool,
    /// The folder or file to search, relative to the root folder. Default: the root folder.
    path: Option<String>,
    /// Only search files that match this glob, such as `*.rs` or `src/**`; with `!` before it, those that don't.
    glob: Option<String>,
    /// Whether upper and lower case are the same. Default false.
    #[serde(default)]
    case_insensitive: bool,
    /// How many matching lines to return at most, 1 to 10,000. Default 200.
    limit: Option<usize>,
    /// How many lines before and after each match to return too, up to 20. Default 0.
    context: Option<usize>,
}

#[derive(Serialize, JsonSchema)]
struct Searched {
    matches: Vec<Found>,
    /// Whether there are more matches than limits let through.
    truncated: bool,
    /// Text files that were searched to their end, or until a limit.
    files_searched: u64,
}

pub(crate) fn tool(root: Arc<Root>, work: Work) -> Tool {
    Tool::new("fs.search", move |call: Call, args: Args| {
        let (root, work) = (root.clone(), work.clone());
        async move {
            let unfinished = Unfinished::new(&call);
            let files = Arc::new(AtomicU64::new(0));
            let result = tokio::select! {
                biased;
                result = work.run({
                    let (call, files) = (call.clone(), files.clone());
                    move || search(&call, &root, &args, &files)
                }) => result,
                never = report(&call, &files) => never,
            };
            unfinished.finish();
            result
        }
    })
    .description(
        "Searches text files for lines that match a regular expression. Leaves out hidden and binary files, links, \
         and what .gitignore names. Long lines are cut. Progress counts files.",
    )
    .read_only()
    .idempotent()
}

/// Never ends.
async fn report<T>(call: &Call, files: &AtomicU64) -> T {
    let mut steps = interval(PROGRESS);
    steps.set_missed_tick_behavior(MissedTickBehavior::Skip);
    steps.tick().await;
    loop {
        steps.tick().await;
        call.progress(files.load(Ordering::Relaxed) as f64, None, "files searched").await;
    }
}

fn search(call: &Call, root: &Root, args: &Args, files: &AtomicU64) -> Result<Searched, Failure> {
    let limit = args.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Failure::invalid_params(format!("limit: use 1 to {MAX_LIMIT}")));
    }
    let context = args.context.unwrap_or(0);
    if context > MAX_CONTEXT {
        return Err(Failure::invalid_params(format!("context: use 0 to {MAX_CONTEXT}")));
    }
    let globs = globs(args.glob.as_deref())?;
    let mut search = Search {
        call,
        matcher: matcher(args)?,
        searcher: SearcherBuilder::new()
            .line_number(true)
            .before_context(context)
            .after_context(context)
            .heap_limit(Some(LINE_BUFFER))
            .binary_detection(BinaryDetection::quit(0))
            .build(),
        matches: Matches::new(limit, context),
        files,
    };
    let asked = args.path.as_deref().unwrap_or(".");
    let start = root.resolve(asked)?;
    match Walk::selective(root, &start) {
        Ok(walk) => {
            for entry in walk {
                go_on(call)?;
                if entry.kind.is_file() && !globs.matched(&entry.path, false).is_ignore() {
                    // Those that vanished meanwhile, or may not be read, are passed over.
                    if let Ok(file) = root.open_file(&entry.path) {
                        search.file(&entry.path, file)?;
                    }
                }
                if search.matches.truncated() {
                    break;
                }
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            search.file(&start, root.file(asked)?)?
        }
        Err(error) => return Err(refused(asked, &error)),
    }
    Ok(Searched {
        truncated: search.matches.truncated(),
        matches: search.matches.into_found(),
        files_searched: files.load(Ordering::Relaxed),
    })
}

struct Search<'a> {
    call: &'a Call,
    matcher: RegexMatcher,
    searcher: Searcher,
    matches: Matches,
    files: &'a AtomicU64,
}

impl Search<'_> {
    fn file(&mut self, path: &Path, file: File) -> Result<(), Failure> {
        self.matches.start_file(shown(path));
        let file = Cancellable { call: self.call, file };
        match self.searcher.search_reader(&self.matcher, file, &mut self.matches) {
            Ok(()) if self.matches.binary() => self.matches.drop_file(),
            Ok(()) => _ = self.files.fetch_add(1, Ordering::Relaxed),
            Err(error) => {
                tracing::debug!(%error, "a file could not be searched");
                self.matches.drop_file();
            }
        }
        go_on(self.call)
    }
}

fn matcher(args: &Args) -> Result<RegexMatcher, Failure> {
    let mut builder = RegexMatcherBuilder::new();
    builder
        .case_insensitive(args.case_insensitive)
        .fixed_strings(args.literal)
        .line_terminator(Some(b'\n'))
        .size_limit(PATTERN_SIZE)
        .dfa_size_limit(PATTERN_CACHE);
    builder.build(&args.pattern).map_err(|error| Failure::invalid_params(format!("pattern: {error}")))
}

fn globs(glob: Option<&str>) -> Result<Override, Failure> {
    let invalid = |error: ignore::Error| Failure::invalid_params(format!("glob: {error}"));
    let mut builder = OverrideBuilder::new("");
    if let Some(glob) = glob {
        builder.add(glob).map_err(invalid)?;
    }
    builder.build().map_err(invalid)
}

/// A file that can't be read on once its call was cancelled.
struct Cancellable<'a> {
    call: &'a Call,
    file: File,
}

impl Read for Cancellable<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.call.is_cancelled() {
            return Err(io::Error::other("the call was cancelled"));
        }
        self.file.read(buf)
    }
}
