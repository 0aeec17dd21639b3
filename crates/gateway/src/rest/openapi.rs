//! `GET /openapi.json`: the description of the API, made of the types that its bodies are read and written by.

mod operations;

use super::answer::{self, Answer};
use super::ask::JSON;
use super::problem::PROBLEM;
use super::{ROOT, schema};
use crate::shard::Shard;
use hyper::StatusCode;
use operations::{Answers, Operation, Param, operations};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

pub(super) fn answer(shard: &Shard) -> Answer {
    answer::written(StatusCode::OK, &document(shard))
}

/// A schema of this type, by its name.
type Schema = fn(&mut SchemaGenerator) -> Value;

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

fn document(shard: &Shard) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for operation in operations(&shard.terms().config) {
        let path = paths.entry(format!("{ROOT}{}", operation.path)).or_insert_with(|| json!({}));
        path[operation.method] = described(&operation, &mut generator);
    }
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "mcpw",
            "summary": "Tools, contexts and events of an MCP platform, for those who can't hold a WebSocket",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT, PASETO or API key"}},
        },
    })
}

fn described(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "parameters": operation.params.iter().map(parameter).collect::<Vec<_>>(),
        "responses": responses(&operation.answers, operation.problems, generator),
    });
    if let Some((kind, needed, schema)) = operation.body {
        described["requestBody"] =
            json!({"required": needed, "content": {kind: {"schema": schema(generator)}}});
    }
    described
}

fn parameter(param: &Param) -> Value {
    let mut described = json!({
        "name": param.name,
        "in": param.place,
        "required": param.place == "path" || param.needed,
        "description": param.meaning,
    });
    if param.is_json {
        described["content"] = json!({JSON: {"schema": param.schema}});
    } else {
        described["schema"] = param.schema.clone();
    }
    described
}

fn responses(answers: &[Answers], problems: &[u16], generator: &mut SchemaGenerator) -> Value {
    let mut all = Map::new();
    for answer in answers {
        let content: Map<String, Value> = answer
            .content
            .iter()
            .map(|(kind, schema)| ((*kind).to_owned(), json!({"schema": schema(generator)})))
            .collect();
        let headers: Map<String, Value> = answer
            .headers
            .iter()
            .map(|name| ((*name).to_owned(), json!({"schema": {"type": "string"}})))
            .collect();
        let mut described = json!({"description": answer.meaning});
        if !content.is_empty() {
            described["content"] = content.into();
        }
        if !headers.is_empty() {
            described["headers"] = headers.into();
        }
        if let Some((name, parameter)) = answer.link {
            let id = "$response.body#/id";
            described["links"] = json!({name: {"operationId": name, "parameters": {parameter: id}}});
        }
        all.insert(answer.status.to_string(), described);
    }
    for status in problems {
        let phrase = StatusCode::from_u16(*status).ok().and_then(|status| status.canonical_reason());
        let described = json!({
            "description": phrase.unwrap_or_default(),
            "content": {PROBLEM: {"schema": of::<schema::ProblemDetails>(generator)}},
        });
        all.insert(status.to_string(), described);
    }
    // Refused before it is known what was asked.
    all.insert("431".to_owned(), json!({"description": "The headers are over their limit"}));
    all.into()
}
