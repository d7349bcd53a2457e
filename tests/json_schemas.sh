#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/json/check.py by a Python that has jsonschema: Debian's, where another one comes first. Without any it is skipped
# (exit code 77), or fails where CLQ_REQUIRE_DEVICE=1 says that all is there. Usage: json_schemas.sh --command PATH ...
folder=$(cd "$(dirname "$0")" && pwd)
for python in python3 /usr/bin/python3; do
    if "$python" -c 'from jsonschema import Draft202012Validator' 2>/dev/null; then
        exec "$python" -B -W ignore "$folder/json/check.py" "$@"
    fi
done
echo "needs Python with the package jsonschema 4 (Debian: python3-jsonschema)"
[ "$CLQ_REQUIRE_DEVICE" = 1 ] || exit 77
exit 1
