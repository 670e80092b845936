"""Lists how two contracts with callers (OpenAPI 3.1, JSON) differ, as callers see it.

    compare.py BEFORE AFTER

Operations, parameters, statuses, problem codes, headers and media types by themselves; schemas with their references written
out, without words and examples. Ends with 1 where there are differences.
"""

import json
import sys

WORDS = {"description", "title", "example", "examples", "summary"}


def resolved(document, value, seen=()):
    """A schema with its references written out, and in one order."""
    if isinstance(value, list):
        return [resolved(document, item, seen) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        name = value["$ref"].rsplit("/", 1)[1]
        if name in seen:
            return {"again": name}
        return resolved(document, document["components"]["schemas"][name], (*seen, name))
    out = {}
    for key, item in value.items():
        if key == "properties":
            out[key] = {name: resolved(document, field, seen) for name, field in item.items()}
        elif key == "required":
            out[key] = sorted(item)
        elif key not in WORDS:
            out[key] = resolved(document, item, seen)
    if "allOf" in out:
        out = merged(out)
    for key in ("oneOf", "anyOf"):
        if key in out:
            items = sorted(out.pop(key), key=lambda item: json.dumps(item, sort_keys=True))
            out["oneOf"] = items
    return out


def merged(schema):
    """An `allOf` of objects as one object."""
    out = {key: value for key, value in schema.items() if key != "allOf"}
    out.setdefault("properties", {})
    required = set(out.get("required", []))
    for item in schema["allOf"]:
        out["properties"].update(item.get("properties", {}))
        required.update(item.get("required", []))
        for key, value in item.items():
            if key not in ("properties", "required"):
                out.setdefault(key, value)
    out["required"] = sorted(required)
    return out


def walk(place, one, other, told):
    if one == other:
        return
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            if key not in one:
                told(f"{place}/{key}: new: {json.dumps(other[key], ensure_ascii=False)[:200]}")
            elif key not in other:
                told(f"{place}/{key}: gone: {json.dumps(one[key], ensure_ascii=False)[:200]}")
            else:
                walk(f"{place}/{key}", one[key], other[key], told)
        return
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for at, (a, b) in enumerate(zip(one, other)):
            walk(f"{place}/{at}", a, b, told)
        return
    show = lambda value: json.dumps(value, ensure_ascii=False, sort_keys=True)[:300]
    told(f"{place}: {show(one)} -> {show(other)}")


def response(document, value):
    if "$ref" in value:
        value = document["components"]["responses"][value["$ref"].split("/", 3)[3]]
    out = {"headers": sorted(value.get("headers", {})), "content": {}}
    for kind, content in value.get("content", {}).items():
        schema = content.get("schema", {})
        if kind == "application/problem+json":
            out["content"][kind] = sorted(schema["allOf"][1]["properties"]["code"]["enum"])
        else:
            out["content"][kind] = resolved(document, schema)
    out["links"] = {name: link["parameters"] for name, link in value.get("links", {}).items()}
    return out


def operations(document):
    found = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            body = operation.get("requestBody", {})
            found[f"{method.upper()} {path}"] = {
                "id": operation["operationId"],
                "tags": operation["tags"],
                "summary": operation["summary"],
                "security": operation["security"],
                "parameters": {
                    f"{one['in']} {one['name']}": {
                        "required": one["required"],
                        "schema": resolved(document, one["schema"]),
                        "description": one.get("description"),
                    }
                    for one in operation.get("parameters", [])
                },
                "body": {
                    "required": body.get("required"),
                    "content": {
                        kind: resolved(document, content.get("schema", {}))
                        for kind, content in body.get("content", {}).items()
                    },
                },
                "responses": {
                    status: response(document, value) for status, value in operation["responses"].items()
                },
            }
    return found


def main():
    before, after = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:3])
    differences = []
    walk("", operations(before), operations(after), differences.append)
    names = [{name: {} for name in document["components"]["schemas"]} for document in (before, after)]
    walk("schemas", *names, differences.append)
    print("\n".join(differences))
    print(f"{len(differences)} differences")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
