# SPDX-License-Identifier: Apache-2.0
"""The schemas of docs/schemas: read, held to their own rules, and a validator that notes which members it was shown."""
import json
import os
import re

import jsonschema

COMMON = "common"
NUMBERS = {"number", "integer"}


def no_duplicates(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key stands twice among " + ", ".join(key for key, _ in pairs))
    return members


def no_constant(word):
    raise ValueError(word + " is no JSON")


def parse(data):
    """One object of strict JSON, which steers no terminal; ValueError says what else it is."""
    text = data.decode("utf-8")
    control = re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
    if control:
        raise ValueError("the control character U+%04X" % ord(control.group()))
    value = json.loads(text, object_pairs_hook=no_duplicates, parse_constant=no_constant)
    json.dumps(value, ensure_ascii=False).encode("utf-8")  # no half of a surrogate pair
    if not isinstance(value, dict):
        raise ValueError("it is no object")
    return value


def with_common(schema, common):
    """The schema with what it shares within it, so that every reference is to a place of its own."""
    def inside(value, prefix):
        if isinstance(value, list):
            return [inside(item, prefix) for item in value]
        if not isinstance(value, dict):
            return value
        value = {key: inside(item, prefix) for key, item in value.items()}
        if "$ref" in value:
            value["$ref"] = re.sub(r"^common\.json#/\$defs/", "#/$defs/common.", value["$ref"])
        return value
    whole = inside(schema, "")
    for name, part in common["$defs"].items():
        whole["$defs"]["common." + name] = inside(part, "")
    return whole


class Verb:
    """The schema of one verb, and what of it was seen."""

    def __init__(self, name, schema):
        self.name = name
        self.schema = schema
        self.members = {}  # (id of "properties", key) -> (label, schema of the member)
        self.faults = []
        self.seen = []
        self.walk(schema, name, set())
        base = jsonschema.Draft202012Validator
        self.validator = jsonschema.validators.extend(
            base, {"properties": self.properties, "anyOf": self.any_of})(schema)
        quiet = {key: lambda *_: None for key in ("required", "dependentRequired", "oneOf")}
        self.partial = jsonschema.validators.extend(base, quiet)(schema)

    def resolved(self, schema):
        while "$ref" in schema:
            name = schema["$ref"][len("#/$defs/"):]
            schema = dict(self.schema["$defs"][name], **{k: v for k, v in schema.items() if k != "$ref"})
        return schema

    def walk(self, schema, label, done):
        if "$ref" in schema:
            schema = self.schema["$defs"][schema["$ref"][len("#/$defs/"):]]
        if id(schema) in done:
            return
        done.add(id(schema))
        for branch in schema.get("anyOf", []):
            self.walk(branch, label + (" (failure)" if branch["$ref"].endswith(".failure") else ""), done)
        if schema.get("type") == "object" and "additionalProperties" not in schema:
            self.faults.append(label + ": additionalProperties is not given")
        for key, member in schema.get("properties", {}).items():
            place = label + "." + key
            self.members[id(schema["properties"]), key] = (place, self.resolved(member))
            self.judge(place, self.resolved(member))
            self.walk(member, place, done)
        if isinstance(schema.get("items"), dict):
            self.walk(schema["items"], label + "[]", done)

    def judge(self, place, member):
        """What is said of each member."""
        types = types_of(member)
        items = types_of(member.get("items", {}))
        if not member.get("description"):
            self.faults.append(place + ": no description")
        if not types:
            self.faults.append(place + ": no type")
        if (types | items) & NUMBERS:
            bounded = member if types & NUMBERS else member["items"]
            if "unit" not in member and "unit" not in bounded:
                self.faults.append(place + ": no unit")
            elif member.get("unit") != "dB" and not {"minimum", "exclusiveMinimum"} & set(bounded):
                self.faults.append(place + ": no range")

    def properties(self, validator, properties, instance, schema):
        if isinstance(instance, dict):
            for key, value in instance.items():
                if key in properties:
                    known = value if value is None or isinstance(value, str) else True
                    self.seen.append((id(properties), key, known))
        yield from jsonschema.Draft202012Validator.VALIDATORS["properties"](validator, properties, instance, schema)

    def any_of(self, validator, branches, instance, schema):
        """What was seen on a branch that does not fit was not seen."""
        failures = []
        for branch in branches:
            mark = len(self.seen)
            errors = list(validator.descend(instance, branch))
            if not errors:
                return
            del self.seen[mark:]
            failures.append(errors)
        yield from min(failures, key=len)

    def judge_report(self, report, partial=False):
        """What is wrong with a report; a partial one may lack members, and shows none."""
        validator = self.partial if partial else self.validator
        return ["%s: %s" % ("/".join(map(str, error.absolute_path)) or "report", error.message[:300])
                for error in validator.iter_errors(report)]

    def unseen(self):
        """Labels of members, their null and the words they may be, that no report has shown."""
        seen = set(self.seen)
        for (place, key), (label, member) in self.members.items():
            values = {value for p, k, value in seen if (p, k) == (place, key)}
            if not values:
                yield label
                continue
            if values == {None}:
                yield label + " (other than null)"
            if "null" in types_of(member) and None not in values:
                yield label + " = null"
            for word in member.get("enum", []):
                if word is not None and word not in values:
                    yield '%s = "%s"' % (label, word)


def types_of(schema):
    types = schema.get("type", [])
    return set([types] if isinstance(types, str) else types)


def read(folder):
    """Verbs by name, and what is wrong with the schemas themselves."""
    schemas = {}
    faults = []
    for file in sorted(os.listdir(folder)):
        with open(os.path.join(folder, file), "rb") as stream:
            schemas[file[:-len(".json")]] = parse(stream.read())
    common = schemas.pop(COMMON)
    verbs = {}
    for name, schema in schemas.items():
        whole = with_common(schema, common)
        jsonschema.Draft202012Validator.check_schema(whole)
        verbs[name] = Verb(name, whole)
        faults += verbs[name].faults
    return verbs, faults
