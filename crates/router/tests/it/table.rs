//! Which handlers a table has, and what it says of the rest.
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use protocol::{Replica, pb};
use router::{Annotations, Conflict, Kind, Reason, Table};

/// A replica of `backend` with these tools and, with a dot and a star or after a `/`, methods.
fn replica(backend: &str, handlers: &[&str]) -> Arc<Replica> {
    let mut description = pb::Description { name: backend.into(), ..Default::default() };
    for handler in handlers {
        match handler.strip_prefix('/') {
            Some(pattern) => {
                description.methods.push(pb::Method { pattern: pattern.into(), ..Default::default() });
            }
            None => description.tools.push(pb::Tool { name: (*handler).into(), ..Default::default() }),
        }
    }
    with(backend, description)
}

fn with(instance: &str, description: pb::Description) -> Arc<Replica> {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let instance = format!("{instance}-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    Arc::new(Replica { instance, address: "http://127.0.0.1:1".into(), description })
}

fn build(replicas: &[Arc<Replica>]) -> Table {
    let (table, conflicts) = Table::build(replicas, None);
    assert_eq!(conflicts, []);
    table
}

#[test]
fn an_empty_directory_makes_an_empty_table() {
    let table = build(&[]);
    assert!(table.tools().is_empty() && table.tool("x").is_none() && table.method("x").is_none());
}

#[test]
fn tools_are_listed_by_name() {
    let table = build(&[replica("b", &["zeta", "alpha"]), replica("a", &["mid", "Upper"])]);
    let names: Vec<_> = table.tools().iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["Upper", "alpha", "mid", "zeta"]);
    assert_eq!(table.tool("mid").map(|tool| (tool.backend.as_str(), tool.kind)), Some(("a", Kind::Tool)));
}

#[test]
fn replicas_of_one_backend_offer_one_handler_together() {
    let table = build(&[replica("b", &["x"]), replica("b", &["x", "y"]), replica("b", &["x"])]);
    assert_eq!(table.tool("x").map(|tool| tool.replicas()), Some(3));
    assert_eq!(table.tool("y").map(|tool| tool.replicas()), Some(1));
    assert_eq!(table.replicas().len(), 3);
}

#[test]
fn a_method_is_found_by_its_exact_name_then_by_the_longest_prefix() {
    let table = build(&[
        replica("one", &["/workflow.*", "/ping2"]),
        replica("two", &["/workflow.run.*"]),
        replica("three", &["/workflow.run.now"]),
    ]);
    let found = |name: &str| table.method(name).map(|handler| handler.name.as_str());
    for (name, handler) in [
        ("ping2", Some("ping2")),
        ("workflow.start", Some("workflow.*")),
        ("workflow.start.it", Some("workflow.*")),
        ("workflow.run", Some("workflow.*")),
        ("workflow.run.later", Some("workflow.run.*")),
        ("workflow.run.now", Some("workflow.run.now")),
        ("workflow.run.now.really", Some("workflow.run.*")),
        ("workflow", None),
        ("workflow.", None),
        ("workflows.start", None),
        ("ping2.x", None),
        ("", None),
        (".", None),
    ] {
        assert_eq!(found(name), handler, "{name}");
    }
}

#[test]
fn a_tool_and_a_method_may_share_a_name() {
    let table = build(&[replica("one", &["a.b"]), replica("two", &["/a.b"])]);
    assert_eq!(table.tool("a.b").map(|tool| tool.backend.as_str()), Some("one"));
    assert_eq!(table.method("a.b").map(|method| method.backend.as_str()), Some("two"));
}

#[test]
fn of_two_backends_with_one_name_the_first_has_it_and_the_other_is_reported_once() {
    let replicas = [
        replica("first", &["x", "/m.*"]),
        replica("second", &["x", "y", "/m.*"]),
        replica("second", &["x", "/m.*"]),
    ];
    let (table, mut conflicts) = Table::build(&replicas, None);
    assert_eq!(table.tool("x").map(|tool| (tool.backend.as_str(), tool.replicas())), Some(("first", 1)));
    assert_eq!(table.method("m.a").map(|method| method.backend.as_str()), Some("first"));
    assert_eq!(table.tool("y").map(|tool| tool.backend.as_str()), Some("second"));
    conflicts.sort_by(|a, b| a.handler.cmp(&b.handler));
    let taken = |handler: &str| Conflict {
        backend: "second".into(),
        handler: handler.into(),
        reason: Reason::Taken { owner: "first".into(), bridged: false },
    };
    assert_eq!(conflicts, [taken("m.*"), taken("x")]);
    assert_eq!(conflicts[1].to_string(), "x of backend second is left out: backend first has it");
}

#[test]
fn the_backend_that_had_a_name_keeps_it_whatever_the_order() {
    let (old, new) = (replica("old", &["x"]), replica("new", &["x"]));
    let first = build(&[Arc::clone(&old)]);
    let (second, conflicts) = Table::build(&[Arc::clone(&new), old], Some(&first));
    assert_eq!(second.tool("x").map(|tool| tool.backend.as_str()), Some("old"));
    assert_eq!(conflicts.len(), 1);
    let (third, conflicts) = Table::build(&[new], Some(&second));
    assert_eq!(third.tool("x").map(|tool| tool.backend.as_str()), Some("new"));
    assert_eq!(conflicts, []);
}

#[test]
fn a_backends_own_tool_comes_before_one_of_a_server_behind_another_and_the_rest_of_that_is_served() {
    let mut bridge = replica("bridge", &["x", "y"]);
    for tool in &mut Arc::make_mut(&mut bridge).description.tools {
        tool.mcp = format!("{{\"name\":\"{}\"}}", tool.name).into();
    }
    let first = build(&[Arc::clone(&bridge)]);
    assert_eq!(first.tool("x").map(|tool| tool.backend.as_str()), Some("bridge"));
    let (second, conflicts) = Table::build(&[bridge, replica("own", &["x"])], Some(&first));
    let owners = ["x", "y"].map(|name| second.tool(name).map(|tool| tool.backend.as_str()));
    assert_eq!(owners, [Some("own"), Some("bridge")]);
    let reason = Reason::Taken { owner: "own".into(), bridged: true };
    assert_eq!(conflicts, [Conflict { backend: "bridge".into(), handler: "x".into(), reason }]);
}

#[test]
fn what_breaks_a_rule_is_left_out_and_reported_and_the_rest_stays() {
    let mut schema = replica("schema", &["bad", "good"]);
    Arc::make_mut(&mut schema).description.tools[0].input_schema = "nope".into();
    let replicas = [
        replica("names", &["a b", "fine", "/session.*", "/echo", "/*"]),
        replica("Wrong", &["lost"]),
        schema,
    ];
    let (table, conflicts) = Table::build(&replicas, None);
    let names: Vec<_> = table.tools().iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["fine", "good"]);
    assert!(table.method("session.close").is_none() && table.method("echo").is_none());
    let reported: Vec<_> =
        conflicts.iter().map(|conflict| (conflict.backend.as_str(), conflict.handler.as_str())).collect();
    assert_eq!(
        reported,
        [
            ("Wrong", ""),
            ("names", "a b"),
            ("names", "session.*"),
            ("names", "echo"),
            ("names", "*"),
            ("schema", "bad"),
        ]
    );
    assert!(conflicts.iter().all(|conflict| matches!(conflict.reason, Reason::Invalid(_))));
    assert_eq!(table.replicas().len(), 2);
}

#[test]
fn where_replicas_disagree_the_stricter_holds() {
    let declare = |scope: &str, idempotent: bool, destructive: bool, timeout_ms: u32| {
        with(
            "b",
            pb::Description {
                name: "b".into(),
                tools: vec![pb::Tool {
                    name: "x".into(),
                    scopes: vec!["all".into(), scope.into()],
                    annotations: Some(pb::Annotations {
                        read_only: true,
                        idempotent,
                        destructive,
                        joinable: false,
                    }),
                    timeout_ms,
                    ..Default::default()
                }],
                ..Default::default()
            },
        )
    };
    let table = build(&[declare("a", true, false, 500), declare("b", false, true, 900)]);
    let tool = table.tool("x").expect("both have it");
    assert_eq!(tool.scopes, ["all", "a", "b"]);
    assert_eq!(
        tool.annotations,
        Annotations { read_only: true, idempotent: false, destructive: true, joinable: false }
    );
    assert_eq!(tool.timeout, Some(Duration::from_millis(500)));
}

#[test]
fn a_listing_is_the_tool_as_json() {
    let tool = pb::Tool {
        name: "fs.read".into(),
        description: "Reads a \"file\"\n".into(),
        input_schema: r#"{"type":"object","required":["path"]}"#.into(),
        output_schema: r#"{ "type": "string" }"#.into(),
        annotations: Some(pb::Annotations { read_only: true, ..Default::default() }),
        scopes: vec!["fs:read".into()],
        timeout_ms: 1_500,
        mcp: Bytes::new(),
    };
    let description = pb::Description { name: "files".into(), tools: vec![tool], ..Default::default() };
    let table = build(&[with("files", description), replica("bare", &["bare"])]);
    let listing = |name: &str| {
        let tool = table.tool(name).expect("it is there");
        String::from_utf8(tool.listing.to_vec()).expect("it is UTF-8")
    };
    assert_eq!(
        listing("fs.read"),
        concat!(
            r#"{"name":"fs.read","description":"Reads a \"file\"\n","#,
            r#""input_schema":{"type":"object","required":["path"]},"output_schema":{ "type": "string" },"#,
            r#""annotations":{"read_only":true,"idempotent":false,"destructive":false},"#,
            r#""scopes":["fs:read"],"timeout_ms":1500,"backend":"files"}"#
        )
    );
    assert_eq!(
        listing("bare"),
        concat!(
            r#"{"name":"bare","description":"","input_schema":{"type":"object"},"#,
            r#""annotations":{"read_only":false,"idempotent":false,"destructive":false},"#,
            r#""scopes":[],"backend":"bare"}"#
        )
    );
}

#[test]
fn servers_of_mcp_are_listed_by_name_with_the_handler_of_their_methods() {
    let server = |name: &str, instructions: &str| {
        let pattern = format!("mcp.{name}.*");
        let tool =
            pb::Tool { name: format!("{name}.do"), mcp: r#"{"name":"do"}"#.into(), ..Default::default() };
        let mcp = pb::Mcp {
            capabilities: r#"{"resources":{}}"#.into(),
            instructions: instructions.into(),
            uri_prefixes: vec!["file:".into()],
        };
        let description = pb::Description {
            name: name.into(),
            tools: vec![tool],
            methods: vec![pb::Method { pattern, ..Default::default() }],
            mcp: Some(mcp),
            ..Default::default()
        };
        with(name, description)
    };
    let table =
        build(&[server("b", "first"), replica("plain", &["x"]), server("a", ""), server("b", "second")]);
    let [a, b] = table.mcp() else { panic!("not two: {:?}", table.mcp()) };
    assert_eq!((a.backend.as_str(), b.backend.as_str(), b.instructions.as_str()), ("a", "b", "first"));
    assert_eq!(
        (&b.capabilities[..], &b.uri_prefixes[..]),
        (&br#"{"resources":{}}"#[..], &["file:".into()][..])
    );
    assert_eq!((b.methods.replicas(), b.method("resources/read").as_str()), (2, "mcp.b.resources/read"));
    assert_eq!(table.method("mcp.b.resources/read").map(|methods| methods.backend.as_str()), Some("b"));
    assert_eq!(table.tool("a.do").map(|tool| &tool.mcp[..]), Some(&br#"{"name":"do"}"#[..]));
    assert_eq!(table.tool("x").map(|tool| tool.mcp.len()), Some(0));
}

#[test]
fn a_table_is_shared_by_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Table>();
    shared::<router::Handler>();
}
