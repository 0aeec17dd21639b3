"""Judges YAML, and prints it as JSON. What is wrong goes to standard error, and the exit code is 1.

judge.py manifests < FILE   Kubernetes manifests, strictly: an unknown key is wrong
judge.py compose < FILE     a file of Compose
judge.py yaml < FILE        anything else, which only has to be YAML without a key twice
"""

import json
import pathlib
import sys

import jsonschema
import kubernetes_validate
import yaml

VERSION = "1.37"
SCHEMAS = pathlib.Path(__file__).parent / "schemas"
CUSTOM = {
    ("gateway.networking.k8s.io/v1", "Gateway"),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"),
    ("monitoring.coreos.com/v1", "PrometheusRule"),
    ("monitoring.coreos.com/v1", "ServiceMonitor"),
}


class Loader(yaml.SafeLoader):
    """As the safe one, but no key may be there twice."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"twice: {sorted(twice)}", node.start_mark)
        return super().construct_mapping(node, deep)


def closed(schema):
    """The schema, by which no object has a property that it does not name."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: closed(part) for key, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        schema.setdefault("additionalProperties", False)
    return schema


def schema_of(name):
    return json.loads((SCHEMAS / f"{name}.json").read_text())


def faults(document, schema):
    validator = jsonschema.validators.validator_for(schema, default=jsonschema.Draft7Validator)(schema)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def manifest(document):
    kind = (document["apiVersion"], document["kind"])
    if kind in CUSTOM:
        schema = closed(schema_of(kind[1]))
        # The server's own, with a schema of its own.
        schema["properties"]["metadata"] = {"type": "object", "required": ["name"]}
        return faults(document, schema)
    try:
        kubernetes_validate.validate(document, VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{error.json_path}: {error.message}"]
    except kubernetes_validate.SchemaNotFoundError as error:
        return [error.message]
    return []


def main():
    (how,) = sys.argv[1:]
    documents = [document for document in yaml.load_all(sys.stdin, Loader) if document is not None]
    wrong = []
    for document in documents:
        if how == "manifests":
            name = f"{document.get('kind')} {document.get('metadata', {}).get('name')}"
            wrong += [f"{name}: {fault}" for fault in manifest(document)]
        elif how == "compose":
            schema = schema_of("compose")
            # Named without the # that its definition has, which the library looks for.
            schema["$schema"] = "http://json-schema.org/draft-07/schema#"
            wrong += faults(document, schema)
        elif how != "yaml":
            sys.exit(__doc__)
    if wrong:
        sys.exit("\n".join(wrong))
    json.dump(documents, sys.stdout)


main()
